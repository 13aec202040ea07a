import assert from "node:assert/strict";
import { Stage } from "./stage.ts";
import { CLIENT_ID, makeRoot, makeVersion, WORKER_ID } from "./versions.ts";
import { ways } from "./ways.ts";

for (const way of ways) {
  Deno.test(`both ends rotate under load by ${way.name}, and no call fails`, async () => {
    const root = makeRoot("root");
    const worker = makeVersion(WORKER_ID, [root]);
    const client = makeVersion(CLIENT_ID, [root]);
    await using stage = await Stage.open(way, { worker, client });

    const nextWorker = makeVersion(WORKER_ID, [root]);
    await stage.rewriteWorker(nextWorker);
    const rotated = await stage.worker.until("credentials.rotated");
    assert.deepEqual([rotated.generation, rotated.certificate?.fingerprint, rotated.identities], [
      2,
      nextWorker.fingerprint,
      [WORKER_ID],
    ]);
    const current = await stage.worker.until(
      "listener.generation",
      ({ generation, state }) => generation === 2 && state === "current",
    );
    assert.equal(current.fingerprint, rotated.fingerprint);
    await stage.worker.until(
      "listener.generation",
      ({ generation, state, connections }) =>
        generation === 1 && state === "leaving" && connections === 1,
    );
    await stage.client.until(
      "peer.accepted",
      ({ fingerprint }) => fingerprint === nextWorker.fingerprint,
    );
    await stage.load.goesOn();

    const nextClient = makeVersion(CLIENT_ID, [root]);
    await stage.rewriteClient(nextClient);
    const taken = await stage.client.until("credentials.rotated");
    assert.equal(taken.certificate?.fingerprint, nextClient.fingerprint);
    await stage.load.goesOn();
    const accepted = await stage.worker.until(
      "peer.accepted",
      ({ fingerprint }) => fingerprint === nextClient.fingerprint,
    );
    assert.equal(accepted.generation, 2);

    await stage.load.end();
    await stage.worker.until(
      "listener.generation",
      ({ generation, state }) => generation === 1 && state === "ended",
    );
    assert.deepEqual(stage.worker.of("credentials.rejected"), []);
    assert.deepEqual(stage.client.of("credentials.rejected"), []);
  });
}
