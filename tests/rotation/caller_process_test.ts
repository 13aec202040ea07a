import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { CallerProcess } from "./caller_process.ts";
import * as routines from "./routines.ts";
import { beginnings, Folders } from "./stage.ts";
import { Emitted } from "./emitted.ts";
import { ALLOWED, CLIENT_ID, makeRoot, makeVersion, WORKER_ID } from "./versions.ts";
import { pathsIn, renamed } from "./ways.ts";

Deno.test("a dispatcher process rotates and follows its worker's rotations under load, and no call fails", async () => {
  const root = makeRoot("root");
  const { worker: first, client } = beginnings([root]);
  await using folders = await Folders.make();
  await renamed.lay(folders.worker, first);
  await renamed.lay(folders.client, client);
  await using worker = await WorkerServer.start({
    routines,
    credentials: Credentials.watchFiles(pathsIn(folders.worker)),
    allow: ALLOWED,
  });
  const emitted = new Emitted(worker.events());
  await using caller = new CallerProcess({
    address: worker.address,
    files: pathsIn(folders.client),
    identity: WORKER_ID,
  });
  await caller.begun;

  for (const generation of [2, 3]) {
    const next = makeVersion(CLIENT_ID, [root]);
    await renamed.rewrite(folders.client, next);
    const rotated = await caller.emitted.until(
      "credentials.rotated",
      (event) => event.generation === generation,
    );
    assert.deepEqual([rotated.certificate?.fingerprint, rotated.identities], [
      next.fingerprint,
      [CLIENT_ID],
    ]);
    await emitted.until("peer.accepted", ({ fingerprint }) => fingerprint === next.fingerprint);

    const nextWorker = makeVersion(WORKER_ID, [root]);
    await renamed.rewrite(folders.worker, nextWorker);
    await emitted.until("credentials.rotated", (event) => event.generation === generation);
    const accepted = await caller.emitted.until(
      "peer.accepted",
      ({ fingerprint }) => fingerprint === nextWorker.fingerprint,
    );
    assert.equal(accepted.generation, generation);
  }
  assert.ok(await caller.end() > 0);
  await emitted.until(
    "listener.generation",
    ({ generation, state }) => generation === 1 && state === "ended",
  );
});
