import assert from "node:assert/strict";
import { beginnings, Stage } from "./stage.ts";
import { CLIENT_ID, makeRoot, makeVersion, type Version, WORKER_ID } from "./versions.ts";

const root = makeRoot("root");
const other = makeRoot("other");

/** What alone is new, by its name in a sentence. */
const artefacts: Readonly<Record<string, (before: Version, identity: string) => Version>> = {
  "the certificate, for the same key,": ({ certificate: { key } }, identity) =>
    makeVersion(identity, [root], { key }),
  "the key, with its certificate,": (_before, identity) => makeVersion(identity, [root]),
  "the CA bundle": (before) => ({ ...before, ca: before.ca + other.pem }),
};

for (const [name, renew] of Object.entries(artefacts)) {
  Deno.test(`where ${name} alone is new, both ends move over and no call fails`, async () => {
    const worker = makeVersion(WORKER_ID, [root]);
    const client = makeVersion(CLIENT_ID, [root]);
    await using stage = await Stage.open(undefined, { worker, client });

    const nextWorker = renew(worker, WORKER_ID);
    await stage.rewriteWorker(nextWorker);
    const { fingerprint, previousFingerprint, certificate } = await stage.worker.until(
      "credentials.rotated",
    );
    assert.notEqual(fingerprint, previousFingerprint);
    assert.equal(certificate?.fingerprint, nextWorker.fingerprint);
    await stage.worker.until("peer.accepted", ({ generation }) => generation === 2);
    const toWorker = await stage.client.nth("peer.accepted", 2);
    assert.equal(toWorker.fingerprint, nextWorker.fingerprint);

    const nextClient = renew(client, CLIENT_ID);
    await stage.rewriteClient(nextClient);
    await stage.client.until("peer.accepted", ({ generation }) => generation === 2);
    const toClient = await stage.worker.nth("peer.accepted", 3);
    assert.equal(toClient.fingerprint, nextClient.fingerprint);
    await stage.load.goesOn();

    await stage.load.end();
    await stage.worker.until(
      "listener.generation",
      ({ generation, state }) => generation === 1 && state === "ended",
    );
  });
}

Deno.test("files that are written again with the same content move nobody", async () => {
  const begin = beginnings([root]);
  await using stage = await Stage.open(undefined, begin);
  await stage.rewriteWorker(begin.worker);
  await stage.rewriteClient(begin.client);
  const next = makeVersion(WORKER_ID, [root]);
  await stage.rewriteWorker(next);
  await stage.client.until("peer.accepted", ({ fingerprint }) => fingerprint === next.fingerprint);
  await stage.load.end();
  assert.equal(stage.worker.of("credentials.rotated").length, 1);
  assert.equal(stage.client.of("credentials.rotated").length, 0);
  assert.equal(stage.client.of("peer.accepted").length, 2);
});
