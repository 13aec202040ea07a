import assert from "node:assert/strict";
import { forge, type Forged, general, newKeys } from "../../tests/support/forge.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { assemble } from "./assemble.ts";
import { writePem } from "./pem_writer.ts";
import { CredentialsStore } from "./store.ts";

const HOUR = 3_600_000;
const root = forge({ subject: "root", authority: true });
const clients = forge({ subject: "clients", authority: true });
const names = [general.dns("worker.internal")];
const own = forge({ issuer: root, names });

const pem = ({ der }: Forged): string => writePem("CERTIFICATE", der);

/** A store in use, and what becomes of another bundle, or of another certificate under it. */
function inUse(...anchors: readonly Forged[]) {
  const observer = new RecordingObserver();
  const store = new CredentialsStore({ role: "server", observer });
  const assembled = (ca: readonly Forged[], held: Forged) =>
    assemble({
      ca: ca.map(pem).join(""),
      cert: pem(held),
      key: String(held.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
    }, Date.now());
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

Deno.test("another bundle is rejected where our own certificate led to an authority and leads to none of the new", () => {
  const next = forge({ subject: "next", authority: true });
  const { store, offer, rejected } = inUse(root, clients);
  assert.equal(offer([next]), "rejected");
  assert.match(rejected()[0]!, /^ca: our own certificate leads to none of its authorities/);
  assert.equal(store.current().generation, 1);
  // With a certificate of the new authority both are taken.
  assert.equal(offer([next], forge({ issuer: next, names })), "adopted");
});

Deno.test("our own authority is dropped where others stay, since distrust must take effect", () => {
  const { store, offer, rejected } = inUse(root, clients);
  assert.equal(offer([clients]), "adopted");
  assert.equal(store.current().anchors?.all.length, 1);
  assert.deepEqual(rejected(), []);
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
    notAfter: Date.now() + 24 * HOUR,
  });
  assert.equal(inUse(root).offer([renewed]), "adopted");
});
