import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { echo, held, hold, release } from "./routines.ts";
import { Stage } from "./stage.ts";
import { CLIENT_ID, makeRoot, makeVersion, pemOf, type Version, WORKER_ID } from "./versions.ts";

const old = makeRoot("old");
const next = makeRoot("next");

/** Trusts both authorities, whichever issued its certificate. */
const overlapping = (version: Version): Version => ({ ...version, ca: old.pem + next.pem });

Deno.test("a CA is rolled over in stages on both ends, and no call fails", async () => {
  const worker = makeVersion(WORKER_ID, [old]);
  const client = makeVersion(CLIENT_ID, [old]);
  await using stage = await Stage.open(undefined, { worker, client });
  const nextWorker = makeVersion(WORKER_ID, [next]);
  const nextClient = makeVersion(CLIENT_ID, [next]);
  const stages = [
    [overlapping(worker), overlapping(client)],
    [overlapping(nextWorker), overlapping(nextClient)],
    [nextWorker, nextClient],
  ] as const;
  for (const [index, [ofWorker, ofClient]] of stages.entries()) {
    const generation = index + 2;
    await stage.rewriteWorker(ofWorker);
    await stage.worker.until("credentials.rotated", (event) => event.generation === generation);
    await stage.rewriteClient(ofClient);
    await stage.client.until("peer.accepted", (event) => event.generation === generation);
    await stage.load.goesOn();
  }
  const last = stage.client.of("peer.accepted").at(-1);
  assert.equal(last?.fingerprint, nextWorker.fingerprint);
  await stage.load.end();
});

Deno.test("after a CA is removed its clients take no new call, finish those they are at, and are not accepted again", async () => {
  const client = makeVersion(CLIENT_ID, [old, next]);
  // The worker's own certificate is of the authority that stays, as at the last stage of a roll-over.
  const worker = overlapping(makeVersion(WORKER_ID, [next]));
  await using stage = await Stage.open(undefined, {
    worker,
    client: overlapping(makeVersion(CLIENT_ID, [next])),
  });
  await using left = await Dispatcher.open({
    discovery: `static:${stage.address}`,
    credentials: Credentials.fromPem(pemOf(client)),
    identity: WORKER_ID,
  });
  const call = left.call(hold, ["left"], { timeoutMs: 0 });
  await left.call(held, ["left"]);

  await stage.rewriteWorker({ ...worker, ca: next.pem });
  await stage.worker.until(
    "listener.generation",
    ({ generation, state }) => generation === 2 && state === "current",
  );
  for (let attempt = 1; attempt <= 2; attempt++) {
    const refused = await left.call(echo, [1]).then(() => undefined, (error) => error);
    assert.ok(refused instanceof HandshakeError, String(refused));
    assert.equal(refused.peerReason, "untrusted-authority");
  }
  await stage.load.goesOn();
  await stage.dispatcher.call(release, ["left"]);
  assert.equal(await call, "left");
  await stage.load.end();
  const accepted = stage.worker.of("peer.accepted").filter(({ generation }) => generation === 2);
  assert.ok(!accepted.some(({ fingerprint }) => fingerprint === client.fingerprint));
});
