import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { Load } from "./load.ts";
import { echo } from "./routines.ts";
import { Folders, mutualFlags } from "./stage.ts";
import { Emitted } from "./emitted.ts";
import { CLIENT_ID, makeRoot, makeVersion, WORKER_ID } from "./versions.ts";
import { pathsIn, renamed } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

const modules = [new URL("./routines.ts", import.meta.url)];

Deno.test("a pool lives on certificates of twelve seconds under load: nothing restarts and no call fails", async () => {
  // A renewal may take seconds on a busy machine.
  const certificateTtlMs = 12_000;
  await using pool = await WorkerPool.open({
    spawn: { count: 1, modules, threads: 0, certificateTtlMs },
  });
  const emitted = new Emitted(pool.events());
  const [worker] = pool.workers();
  const load = await Load.begin(pool, 5);
  const begun = Date.now();
  // By then the first certificates of both ends have expired.
  for (const origin of [worker!.id, pool.id]) {
    await emitted.until(
      "credentials.rotated",
      (event) => event.origin === origin && Date.parse(event.at) > begun + certificateTtlMs,
    );
  }
  await load.goesOn();
  await load.end();
  assert.deepEqual(emitted.of("worker.restarted"), []);
  assert.deepEqual(emitted.of("credentials.rejected"), []);
  const generations = emitted.of("credentials.rotated").filter(({ origin }) =>
    origin === worker!.id
  )
    .map(({ generation }) => generation);
  assert.deepEqual(generations, generations.map((_, index) => index + 2));
});

Deno.test("a pool follows the operator's files for discovered workers beside its own renewals, and no call fails", async () => {
  await using folders = await Folders.make();
  const root = makeRoot("root");
  await renamed.lay(folders.worker, makeVersion(WORKER_ID, [root]));
  await renamed.lay(folders.client, makeVersion(CLIENT_ID, [root]));
  await using discovered = WorkerProcess.command(mutualFlags(folders.worker));
  await using pool = await WorkerPool.open({
    spawn: { count: 1, modules, threads: 0 },
    discovery: `static:${await discovered.address}`,
    credentials: Credentials.watchFiles(pathsIn(folders.client)),
    identity: WORKER_ID,
  });
  await pool.ready({ min: 2 });
  let rotating = true;
  let calls = 0;
  const callers = Array.from({ length: 4 }, async () => {
    for (; rotating; calls += 1) await pool.call(echo, [calls]);
  });
  const rotate = async () => {
    for (let rotation = 1; rotation <= 3; rotation++) {
      const next = makeVersion(CLIENT_ID, [root]);
      await Promise.all([pool.renewCredentials(), renamed.rewrite(folders.client, next)]);
      await discovered.emitted.until(
        "peer.accepted",
        ({ fingerprint }) => fingerprint === next.fingerprint,
      );
    }
    rotating = false;
  };
  await Promise.all([rotate(), ...callers]);
  assert.ok(calls > 0);
});
