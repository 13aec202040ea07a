import assert from "node:assert/strict";
import { configure, reset } from "@logtape/logtape";
import { forge, type Forged, type ForgeOptions, general, OID } from "../../tests/support/forge.ts";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { judgePeer, parsePattern, Work } from "../identity/mod.ts";
import { assemble } from "./assemble.ts";
import { type CredentialPem, Credentials } from "./mod.ts";
import { writePem } from "./pem_writer.ts";
import type { OpenCredentialsOptions } from "./source.ts";
import { CredentialsStore } from "./store.ts";
import { rejection } from "./rejection.ts";
import { verdictOption } from "./verdict_option.ts";

const root = forge({ subject: "root", authority: true });
const names = [general.dns("worker.internal")];

const certificatePem = ({ der }: Forged) => writePem("CERTIFICATE", der);

function pemOf(own: Forged, authorities: readonly Forged[] = []): CredentialPem {
  return {
    ca: certificatePem(root),
    cert: [own, ...authorities].map(certificatePem).join(""),
    key: String(own.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function opened(first: ForgeOptions, options: OpenCredentialsOptions = { role: "server" }) {
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ ...options, observer });
  store.offerFirst(assemble(pemOf(forge({ issuer: root, names, ...first })), Date.now()));
  return { observer, store };
}

const offer = (store: CredentialsStore, own: Forged, authorities: readonly Forged[] = []) =>
  store.offer(assemble(pemOf(own, authorities), Date.now()));

Deno.test("CredentialsStore rejects a new certificate that peers would refuse, and keeps the last good one", () => {
  const { observer, store } = opened({});
  const clients = forge({
    subject: "clients",
    authority: true,
    issuer: root,
    purposes: [OID.clientAuth],
  });
  const between = forge({ subject: "between", authority: true, issuer: root, pathLength: 0 });
  const below = forge({ subject: "below", authority: true, issuer: between });
  const bad: readonly (readonly [string, Forged, readonly Forged[]])[] = [
    ["leaf.purpose", forge({ issuer: root, names, purposes: [OID.clientAuth] }), []],
    ["leaf.key-usage", forge({ issuer: root, names, keyUsage: 0x20 }), []],
    ["authority.purpose", forge({ issuer: clients, names }), [clients]],
    ["path.length", forge({ issuer: below, names }), [below, between]],
  ];
  for (const [rule, own, authorities] of bad) {
    assert.equal(offer(store, own, authorities), "rejected", rule);
    const { reason, message } = observer.of("credentials.rejected").at(-1)!;
    assert.equal(reason, "unsuitable");
    assert.match(message, new RegExp(`\\(${rule}, `));
  }
  assert.equal(store.current().generation, 1);
});

Deno.test("CredentialsStore rejects a new certificate whose authority has expired, unless another way leads on", () => {
  const notAfter = Date.now() - 60_000;
  const ended = forge({ subject: "ended", authority: true, issuer: root, notAfter });
  const own = forge({ issuer: ended, names });
  const { observer, store } = opened({});
  assert.equal(offer(store, own, [ended]), "rejected");
  const { reason, message, keptGeneration } = observer.of("credentials.rejected").at(-1)!;
  assert.deepEqual([reason, keptGeneration], ["expired", 1]);
  assert.match(message, /^cert: the authority "CN=ended" of its chain: it expired at /);
  const renewed = forge({ subject: "ended", authority: true, issuer: root, keys: ended.keys });
  assert.equal(offer(store, own, [ended, renewed]), "adopted");
});

Deno.test("CredentialsStore serves with a first certificate whose authority has expired, and says so", () => {
  const ended = forge({
    subject: "ended",
    authority: true,
    issuer: root,
    notAfter: Date.now() - 60_000,
  });
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "server", observer });
  store.offerFirst(assemble(pemOf(forge({ issuer: ended, names }), [ended]), Date.now()));
  assert.equal(store.current().generation, 1);
  const [rejected] = observer.of("credentials.rejected");
  assert.deepEqual([rejected?.reason, rejected?.keptGeneration], ["expired", undefined]);
});

Deno.test("CredentialsStore takes trust away while the certificate in use is of no use, and no other such certificate", () => {
  const other = forge({ subject: "other", authority: true });
  const bundle = certificatePem(root) + certificatePem(other);
  const ended = { notAfter: Date.now() - 60_000 };
  const brief = forge({ subject: "brief", authority: true, issuer: root, ...ended });
  const cases: readonly (readonly [Forged, readonly Forged[]])[] = [
    [forge({ issuer: root, names, ...ended }), []],
    [forge({ issuer: brief, names }), [brief]],
    [forge({ issuer: root, names, purposes: [OID.clientAuth] }), []],
  ];
  for (const [own, authorities] of cases) {
    const observer = new RecordingObserver();
    const store = new CredentialsStore({ role: "server", observer });
    const pem = pemOf(own, authorities);
    const offered = (pem: CredentialPem) => store.offer(assemble(pem, Date.now()));
    store.offerFirst(assemble({ ...pem, ca: bundle }, Date.now()));
    assert.equal(offered(pemOf(forge({ issuer: root, names, ...ended }))), "rejected");
    assert.equal(store.current().anchors?.all.length, 2);
    assert.equal(offered(pem), "adopted");
    assert.equal(store.current().anchors?.all.length, 1);
    const good = forge({ issuer: root, names });
    assert.equal(offered({ ...pemOf(good), cert: pem.cert! }), "rejected");
    const { keptGeneration } = observer.of("credentials.rejected").at(-1)!;
    assert.equal(keptGeneration, undefined);
    assert.equal(offered(pemOf(good)), "adopted");
  }
});

/** What is said of our certificate of 24 hours within 25, with these authorities above it. */
function warned(own: Forged, authorities: readonly Forged[], ca: Forged) {
  const clock = new ManualClock(NOON);
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "server", observer, clock });
  store.offerFirst(assemble({ ...pemOf(own, authorities), ca: certificatePem(ca) }, clock.now()));
  clock.advance(25 * HOUR_MS);
  const said = observer.of("credentials.expiring").map((event) => {
    return [event.stage, event.secondsLeft, event.authority];
  });
  return said.slice(0, 3);
}

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2030, 0, 1, 12);
/** From noon on, for so many hours. */
const ofHours = (hours: number) => ({ notBefore: NOON, notAfter: NOON + hours * HOUR_MS - 1_000 });

Deno.test("CredentialsStore warns of an authority that ends before our certificate, unless another way leads on", () => {
  const ca = forge({ subject: "root", authority: true, ...ofHours(1_000) });
  const brief = forge({ subject: "brief", authority: true, issuer: ca, ...ofHours(10) });
  const own = forge({ issuer: brief, names, ...ofHours(24) });
  assert.deepEqual(warned(own, [brief], ca), [
    ["two-thirds", 12_000, "CN=brief"],
    ["nearly-over", 3_600, "CN=brief"],
    ["expired", 0, "CN=brief"],
  ]);
  const again = (hours: number) =>
    forge({ subject: "brief", authority: true, issuer: ca, keys: brief.keys, ...ofHours(hours) });
  for (const authorities of [[brief, again(48)], [again(48), brief, again(12)]]) {
    assert.deepEqual(warned(own, authorities, ca), [
      ["two-thirds", 28_800, undefined],
      ["nearly-over", 8_640, undefined],
      ["expired", 0, undefined],
    ]);
  }
  assert.deepEqual(warned(own, [brief, again(20)], ca)[0], ["two-thirds", 24_000, "CN=brief"]);
});

Deno.test("CredentialsStore warns of an authority that ends before our certificate, which is not valid yet", () => {
  const ca = forge({ subject: "root", authority: true, ...ofHours(1_000) });
  const brief = forge({ subject: "brief", authority: true, issuer: ca, ...ofHours(10) });
  const own = forge({ issuer: brief, names, ...ofHours(24), notBefore: NOON + HOUR_MS });
  assert.deepEqual(warned(own, [brief], ca)[0], ["two-thirds", 10_800, "CN=brief"]);
});

Deno.test("CredentialsStore says that a first certificate that has become valid stays in use", () => {
  const clock = new ManualClock(NOON - HOUR_MS);
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "server", observer, clock });
  const ca = forge({ subject: "other", authority: true, ...ofHours(1_000) });
  const early = forge({ issuer: ca, names, ...ofHours(24) });
  const pem = { ...pemOf(early), ca: certificatePem(ca) };
  store.offerFirst(assemble(pem, clock.now()));
  const both = { ...pem, ca: pem.ca + certificatePem(root) };
  assert.equal(store.offer(assemble(both, clock.now())), "adopted");
  store.reject(rejection("unreadable", "cert", "it cannot be read"));
  clock.advance(2 * HOUR_MS);
  store.reject(rejection("incomplete", "cert", "it is empty"));
  const kept = observer.of("credentials.rejected").map(({ keptGeneration }) => keptGeneration);
  assert.deepEqual(kept, [undefined, undefined, 2]);
});

Deno.test("CredentialsStore warns of an anchor that ends before our certificate", () => {
  const ca = forge({ subject: "root", authority: true, ...ofHours(6) });
  const own = forge({ issuer: ca, names, ...ofHours(24) });
  assert.deepEqual(warned(own, [], ca)[0], ["two-thirds", 7_200, "CN=root"]);
});

Deno.test("CredentialsStore says that no generation stays in use where the first was rejected, until a good one follows", () => {
  const { observer, store } = opened({ purposes: [OID.clientAuth] });
  offer(store, forge({ issuer: root, names, keyUsage: 0x20 }));
  const kept = () =>
    observer.of("credentials.rejected").map((event) =>
      [event.keptGeneration, event.keptCertificate, event.keptExpired] as const
    );
  assert.deepEqual(kept(), Array(2).fill([undefined, undefined, false]));
  const good = forge({ issuer: root, names });
  assert.equal(offer(store, good), "adopted");
  assert.equal(offer(store, forge({ issuer: root, names, keyUsage: 0x20 })), "rejected");
  const [generation, certificate] = kept()[2]!;
  assert.equal(generation, 2);
  assert.equal(certificate, store.current().own?.summary);
});

Deno.test("CredentialsStore adopts what private issuers leave out, and advises once for each version", () => {
  const { observer, store } = opened({ keyUsage: undefined, purposes: [] });
  const { advice, total, generation } = observer.of("credentials.advice")[0]!;
  assert.deepEqual(advice.map(({ rule }) => rule), ["leaf.key-usage", "leaf.purpose"]);
  assert.deepEqual([total, generation], [2, 1]);
  assert.equal(offer(store, forge({ issuer: root, names })), "adopted");
  assert.equal(observer.of("credentials.advice").length, 1);
});

Deno.test("CredentialsStore adopts what leads to no authority of its own bundle where it never did: its peers trust another", () => {
  const other = forge({ subject: "other", authority: true });
  const { store } = opened({ issuer: other });
  assert.equal(offer(store, forge({ issuer: other, names })), "adopted");
});

Deno.test("CredentialsStore adopts a certificate whose SPIFFE ID no SVID may bear only where peers can expect another name", () => {
  const { observer, store } = opened({});
  const uris = [general.uri("spiffe://example.org/worker"), general.uri("kuma://version/1")];
  const twoIds = [general.uri("spiffe://example.org/a"), general.uri("spiffe://example.org/b")];
  assert.equal(offer(store, forge({ issuer: root, names: twoIds })), "rejected");
  assert.match(observer.of("credentials.rejected")[0]!.message, /san\.several-uris/);
  for (const others of [uris, [...names, ...twoIds]]) {
    assert.equal(offer(store, forge({ issuer: root, names: others })), "adopted");
    const advice = observer.of("credentials.advice").at(-1)!.advice;
    assert.deepEqual(advice.map(({ rule, refusedIfStrict }) => [rule, refusedIfStrict]), [
      ["san.several-uris", true],
    ]);
  }
});

Deno.test("CredentialsStore rejects where it is strict what peers of its kind would refuse", () => {
  const { observer, store } = opened({}, { role: "server", verdict: "strict" });
  assert.equal(offer(store, forge({ issuer: root, names, purposes: [] })), "rejected");
  assert.match(observer.of("credentials.rejected")[0]!.message, /leaf\.purpose/);
  assert.equal(store.current().verdict, "strict");
});

Deno.test("CredentialsStore gives no advice on the public roots, whatever they look like", () => {
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "client", observer });
  store.offerFirst(assemble({ ca: "system", oneWay: true }, Date.now()));
  assert(store.current().anchors!.all.length > 50);
  assert.deepEqual(observer.of("credentials.advice"), []);
});

Deno.test("verdictOption() takes private or strict, and nothing without credentials", () => {
  const credentials = Credentials.fromPem(pemOf(forge({ issuer: root, names })));
  assert.deepEqual(verdictOption({ credentials, verdict: "strict" }), { verdict: "strict" });
  assert.deepEqual(verdictOption({ credentials }), {});
  const setting = { setting: "verdict" };
  assert.throws(() => verdictOption({ credentials, verdict: "lenient" as never }), setting);
  assert.throws(() => verdictOption({ verdict: "strict" }), setting);
});

Deno.test("CredentialsStore takes over what was proven, so that a rotation costs no signature checks", () => {
  const { store } = opened({});
  const peer = forge({ issuer: root, names });
  const workOf = () => {
    const { anchors } = store.current();
    const work = new Work();
    const question = { role: "client", expected: [parsePattern("*")], now: Date.now() } as const;
    assert(judgePeer([peer.der], { ...question, anchors: anchors!, work }).trusted);
    return work.counts.signature;
  };
  assert(workOf() > 0);
  assert.equal(offer(store, forge({ issuer: root, names })), "adopted");
  assert.equal(workOf(), 0);
});

Deno.test("CredentialsStore logs that the version in use is back where another was rejected, once, and only if it is of use", async () => {
  const lines: string[] = [];
  await configure({
    sinks: { memory: ({ message }) => lines.push(message.join("")) },
    loggers: [
      { category: ["selvage", "credentials"], lowestLevel: "info", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    const good = pemOf(forge({ issuer: root, names }));
    const torn = { ...good, key: "" };
    const store = new CredentialsStore({ role: "server" });
    const offered = (pem: CredentialPem) => store.offer(assemble(pem, Date.now()));
    store.offerFirst(assemble(good, Date.now()));
    for (const pem of [good, torn, torn, good, good]) offered(pem);
    assert.deepEqual(lines, [
      "what was rejected has been replaced by generation 1, which has stayed in use",
    ]);
    const useless = pemOf(forge({ issuer: root, names, purposes: [OID.clientAuth] }));
    const other = new CredentialsStore({ role: "server" });
    other.offerFirst(assemble(useless, Date.now()));
    assert.equal(other.offer(assemble(useless, Date.now())), "unchanged");
    assert.equal(lines.length, 1);
  } finally {
    await reset();
  }
});
