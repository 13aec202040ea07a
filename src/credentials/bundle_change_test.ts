import assert from "node:assert/strict";
import { forge, type Forged, general, newKeys } from "../../tests/support/forge.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { read } from "../../tests/support/judging.ts";
import { Denylist } from "../identity/mod.ts";
import { systemClock } from "../observe/mod.ts";
import { assemble } from "./assemble.ts";
import { writePem } from "./pem_writer.ts";
import { CredentialsStore } from "./store.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const root = forge({ subject: "root", authority: true, notAfter: Date.now() + DAY });
const clients = forge({ subject: "clients", authority: true });
const names = [general.dns("worker.internal")];
const own = forge({ issuer: root, names });

const pem = ({ der }: Forged): string => writePem("CERTIFICATE", der);

/** A store in use, and what becomes of another bundle, or of another certificate under it. */
function inUse(...anchors: readonly Forged[]) {
  return inUseAt(Date.now, ...anchors);
}

function inUseAt(now: () => number, ...anchors: readonly Forged[]) {
  const observer = new RecordingObserver();
  const clock = { ...systemClock, now };
  const store = new CredentialsStore({ role: "server", observer, clock });
  const assembled = (ca: readonly Forged[], held: Forged) =>
    assemble({
      ca: ca.map(pem).join(""),
      cert: pem(held),
      key: String(held.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
    }, now());
  store.offerFirst(assembled(anchors, own));
  return {
    store,
    observer,
    rejected: () => observer.of("credentials.rejected").map(({ message }) => message),
    offer: (ca: readonly Forged[], held: Forged = own) => store.offer(assembled(ca, held)),
  };
}

Deno.test("a bundle is rejected where skipping an entry would drop an authority in use", () => {
  // Renewed, and wrong: by a rule of whole certificates, and one that cannot be read.
  const wrong = [
    forge({ subject: "clients", authority: true, keys: clients.keys, version: 0 }),
    forge({ subject: "clients", authority: true, keys: newKeys(), version: 7 }),
  ];
  for (const odd of wrong) {
    const { store, offer, rejected } = inUse(root, clients);
    assert.equal(offer([root, odd]), "rejected");
    const [message, ...more] = rejected();
    assert.deepEqual(more, []);
    assert.match(message!, /^ca: certificate 2 of the bundle breaks the rule certificate\.version/);
    assert.equal(store.current().generation, 1);
    assert.equal(store.current().anchors?.all.length, 2);
    // Beside the one in use, or a good one of its name, it is skipped as ever, and so is a stranger's.
    assert.equal(offer([root, clients, odd, forge({ subject: "x", version: 0 })]), "unchanged");
    const renewed = forge({ subject: "clients", authority: true });
    assert.equal(offer([root, renewed, odd]), "adopted");
    assert.equal(store.current().skipped?.length, 1);
  }
});

Deno.test("certificates that are skipped are counted, in the first version as in every other", () => {
  const odd = forge({ subject: "odd", authority: true, version: 0 });
  const { observer, offer } = inUse(root, odd);
  const advised = () => observer.of("credentials.advice").map(({ skipped }) => skipped);
  assert.deepEqual(advised(), [1]);
  assert.equal(offer([root, clients, odd, odd]), "adopted");
  assert.deepEqual(advised(), [1, 2]);
  assert.deepEqual(observer.of("credentials.rotated").map(({ skipped }) => skipped), [2]);
  assert.equal(offer([root]), "adopted");
  assert.deepEqual(advised(), [1, 2]);
});

Deno.test("an authority that is left out of the bundle is dropped, since that is how trust is taken away", () => {
  const { store, offer, rejected } = inUse(root, clients);
  assert.equal(offer([root]), "adopted");
  assert.equal(store.current().anchors?.all.length, 1);
  assert.deepEqual(rejected(), []);
});

Deno.test("a bundle is rejected where our own certificate leads to an authority in use and to none of it, others or none being kept", () => {
  const next = forge({ subject: "next", authority: true });
  for (const bundle of [[next], [clients], [clients, next]]) {
    const { store, offer, rejected } = inUse(root, clients);
    assert.equal(offer(bundle), "rejected");
    const [message, ...more] = rejected();
    assert.deepEqual(more, []);
    const others = bundle.length === 1 ? "not to the authority" : "to none of the 2 authorities";
    const start =
      `ca: our own certificate leads to "CN=root", which is left out, and ${others} that`;
    assert.equal(message!.slice(0, start.length), start);
    assert.equal(store.current().generation, 1);
    assert.equal(store.current().anchors?.all.length, 2);
    // The message holds the denylist that takes the trust away at once.
    const [entry] = /\{"spkiSha256":[^}]*\}/.exec(message!)!;
    assert.equal(Denylist.parse(entry).entryAgainst(read(root)), "its key");
    assert.equal(Denylist.parse(entry).entryAgainst(read(clients)), undefined);
    // With a certificate of an authority that it holds both are taken.
    assert.equal(offer(bundle, forge({ issuer: bundle[0]!, names })), "adopted");
    assert.equal(store.current().anchors?.all.length, bundle.length);
  }
});

Deno.test("a bundle that is rejected for our own authority says which others stay trusted although it leaves them out", () => {
  const next = forge({ subject: "next", authority: true });
  const more = Array.from(
    { length: 9 },
    (_, at) => forge({ subject: `more ${at}`, authority: true }),
  );
  const { offer, rejected } = inUse(root, clients);
  assert.equal(offer([next]), "rejected");
  const [message] = rejected();
  assert.match(
    message!,
    /It leaves out "CN=clients", too, which stays trusted with it; to distrust it: /,
  );
  const entry = Denylist.parse(/\{[^{]*\}$/.exec(message!)![0]);
  assert.equal(entry.entryAgainst(read(clients)), "its key");
  assert.equal(entry.entryAgainst(read(root)), undefined);
  // An authority that is renewed with its key is not left out.
  const renewed = forge({ subject: "clients", authority: true, keys: clients.keys });
  const one = inUse(root, clients);
  assert.equal(one.offer([renewed]), "rejected");
  assert.ok(!one.rejected()[0]!.includes("It leaves out"));
  const many = inUse(root, ...more);
  assert.equal(many.offer([next]), "rejected");
  assert.match(many.rejected()[0]!, /"CN=more 7" and 1 more, too, which stay trusted with it/);
});

Deno.test("the last stage of a roll-over drops the old authority at once, since our own certificate is of the new one", () => {
  const next = forge({ subject: "next", authority: true });
  const { store, offer, rejected } = inUse(root, clients);
  const renewed = forge({ issuer: next, names });
  assert.equal(offer([root, clients, next]), "adopted");
  assert.equal(offer([root, clients, next], renewed), "adopted");
  assert.equal(offer([clients, next], renewed), "adopted");
  assert.equal(store.current().anchors?.all.length, 2);
  assert.deepEqual(rejected(), []);
});

Deno.test("a certificate of an authority that is in no bundle yet is rejected while the one in use is good", () => {
  const next = forge({ subject: "next", authority: true });
  const { offer, rejected } = inUse(root, clients);
  const early = forge({ issuer: next, names });
  assert.equal(offer([root, clients], early), "rejected");
  assert.match(rejected()[0]!, /^cert: it leads to none of our own authorities/);
  assert.equal(offer([root, clients, next], early), "adopted");
});

Deno.test("once the certificate in use has ended, the bundle is taken whatever our own certificate leads to", () => {
  let now = Date.now();
  const { store, offer } = inUseAt(() => now, root, clients);
  assert.equal(offer([clients]), "rejected");
  now += 2 * HOUR;
  assert.equal(offer([clients], forge({ issuer: root, names, notAfter: now + HOUR })), "adopted");
  assert.equal(store.current().anchors?.all.length, 1);
});

Deno.test("a bundle that our own certificate never led to is for others, and changes as it likes", () => {
  const { offer } = inUse(clients);
  assert.equal(offer([forge({ subject: "other clients", authority: true })]), "adopted");
});

Deno.test("a root that is renewed with its key carries our own certificate, whatever its dates say of the past", () => {
  const renewed = forge({
    subject: "root",
    authority: true,
    keys: root.keys,
    notBefore: Date.now() - 1000,
    notAfter: Date.now() + DAY,
  });
  assert.equal(inUse(root).offer([renewed]), "adopted");
});
