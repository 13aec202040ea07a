import assert from "node:assert/strict";
import { forge, type Forged, general, newKeys } from "../../tests/support/forge.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { assemble } from "./assemble.ts";
import { assembleNext, type ReadPem } from "./next_version.ts";
import { namingOrigin, readParts } from "./parts.ts";
import { writePem } from "./pem_writer.ts";
import { CredentialsStore } from "./store.ts";

const root = forge({ subject: "root", authority: true });
const partner = forge({ subject: "partner", authority: true });
const other = forge({ subject: "other", authority: true });
const names = [general.uri("spiffe://example.org/worker")];

const pem = ({ der }: Forged): string => writePem("CERTIFICATE", der);
const keyOf = ({ keys }: Forged): string =>
  String(keys.privateKey.export({ type: "pkcs8", format: "pem" }));

/** Our own text with the bundles of trust domains; each certificate of ours is a new one. */
function textWith(domains: Readonly<Record<string, string>>): ReadPem {
  const own = forge({ issuer: root, names });
  return {
    ca: pem(root),
    cert: pem(own),
    key: keyOf(own),
    domains: new Map(Object.entries(domains)),
  };
}

/** A store in use with two partners. */
function inUse() {
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "server", observer });
  const domains = { "partner.org": pem(partner), "other.org": pem(other) };
  store.offerFirst(assemble(textWith(domains), Date.now()));
  return {
    store,
    offer: (read: ReadPem) => store.offer(assembleNext(read, Date.now(), store.current())),
    rejected: () => observer.of("credentials.rejected").map(({ message }) => message),
  };
}

/** What a partner may hand us, none of it of use. */
const odd = forge({ subject: "partner", authority: true, keys: newKeys(), version: 0 });
const USELESS: Readonly<Record<string, string>> = {
  "torn": pem(partner).slice(0, -40),
  "empty": "",
  "no certificate": "nothing",
  "one that breaks a rule in the place of one in use": pem(odd) + pem(other),
};

for (const [name, bundle] of Object.entries(USELESS)) {
  Deno.test(`a bundle of another trust domain that is ${name} holds up nothing but that domain`, () => {
    const { store, offer, rejected } = inUse();
    const before = store.current();
    const renewed = pem(forge({ subject: "other", authority: true }));
    const read = textWith({ "partner.org": bundle, "other.org": renewed });
    assert.equal(offer(read), "adopted");
    const { own, pem: text } = store.current();
    assert.notEqual(own?.certPem, before.own?.certPem);
    assert.equal(text().domains?.get("partner.org"), pem(partner));
    assert.equal(text().domains?.get("other.org"), renewed);
    const [message, ...more] = rejected();
    assert.deepEqual(more, []);
    assert.match(message!, /the bundle of partner\.org.*; that domain keeps the bundle in use$/);
    // The same again is not reported again; a good one is taken, and the next fault is.
    assert.equal(offer(read), "unchanged");
    assert.equal(rejected().length, 1);
    assert.equal(offer({ ...read, domains: new Map([["partner.org", pem(partner)]]) }), "adopted");
    assert.equal(offer({ ...read, domains: new Map([["partner.org", bundle]]) }), "unchanged");
    assert.equal(rejected().length, 2);
  });
}

for (const [name, bundle] of Object.entries(USELESS)) {
  Deno.test(`a bundle of another trust domain that is ${name} takes no trust back that goes while our certificate has expired`, () => {
    const observer = new RecordingObserver();
    const store = new CredentialsStore({ role: "server", observer });
    const own = forge({ issuer: root, names, notAfter: Date.now() - 60_000 });
    const text = { ...textWith({}), cert: pem(own), key: keyOf(own) };
    const domains = new Map([["partner.org", pem(partner)], ["other.org", pem(other)]]);
    store.offerFirst(assemble({ ...text, domains }, Date.now()));
    const next = { ...text, domains: new Map([["partner.org", bundle]]) };
    assert.equal(store.offer(assembleNext(next, Date.now(), store.current())), "adopted");
    assert.deepEqual([...store.current().pem().domains ?? []], [["partner.org", pem(partner)]]);
    const { message } = observer.of("credentials.rejected").at(-1)!;
    assert.match(message, /the bundle of partner\.org.*; that domain keeps the bundle in use$/);
  });
}

Deno.test("bundles of several trust domains may be useless at once", () => {
  const { store, offer, rejected } = inUse();
  assert.equal(offer(textWith({ "partner.org": "", "other.org": "nothing" })), "adopted");
  assert.equal(store.current().generation, 2);
  assert.equal(store.current().anchors?.all.length, 3);
  assert.equal(rejected().length, 2);
});

Deno.test("a trust domain that is left out loses its trust, and one that never had a bundle gets none", () => {
  const { store, offer, rejected } = inUse();
  assert.equal(offer(textWith({ "partner.org": pem(partner) })), "adopted");
  assert.equal(store.current().anchors?.all.length, 2);
  assert.deepEqual(rejected(), []);
  assert.equal(offer(textWith({ "partner.org": pem(partner), "third.org": "" })), "rejected");
});

Deno.test("a bundle of our own trust domain that is useless rejects the whole version", () => {
  const store = new CredentialsStore({ role: "server" });
  const own = textWith({ "example.org": pem(root) });
  store.offerFirst(assemble(own, Date.now()));
  for (const bundle of [pem(root).slice(0, -40), ""]) {
    const next = assembleNext(textWith({ "example.org": bundle }), Date.now(), store.current());
    assert.equal(store.offer(next), "rejected");
  }
});

Deno.test("a file of another trust domain that cannot be read holds up nothing, but at the start", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const missing = `${folder}/partner.pem`;
    const { ca, cert, key } = textWith({});
    const text = (text = "") => ({ kind: "text", text }) as const;
    const parts = {
      parts: new Map([["ca", text(ca)], ["cert", text(cert)], ["key", text(key)]] as const),
      domains: new Map([["partner.org", { kind: "file", path: missing } as const]]),
      oneWay: false,
    };
    const read = await readParts(parts);
    assert.ok(!("kind" in read));
    const first = namingOrigin(assembleNext(read, Date.now(), undefined), parts);
    assert.equal(first.kind === "rejected" && first.message, `${missing} does not exist`);
    const { store, offer, rejected } = inUse();
    assert.equal(offer(read), "adopted");
    assert.equal(store.current().pem().domains?.get("partner.org"), pem(partner));
    assert.deepEqual(rejected(), [
      `ca: ${missing} does not exist; that domain keeps the bundle in use`,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
