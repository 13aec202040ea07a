import assert from "node:assert/strict";
import { join } from "node:path";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { Load } from "./load.ts";
import { Folders } from "./stage.ts";
import { Emitted } from "./emitted.ts";
import { makeRoot, makeVersion, WORKER_ID } from "./versions.ts";
import { pathsIn, renamed } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

Deno.test("one-way TLS rotates under load on both ends, stays one-way, and no call fails", async () => {
  await using folders = await Folders.make();
  const old = makeRoot("old");
  const next = makeRoot("next");
  await renamed.lay(folders.worker, makeVersion(WORKER_ID, [old]));
  const { cert, key } = pathsIn(folders.worker);
  const ca = join(folders.client, "ca.pem");
  await Deno.writeTextFile(ca, old.pem);
  await using worker = WorkerProcess.command(["--cert", cert, "--key", key, "--one-way"]);
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${await worker.address}`,
    credentials: Credentials.trustOnly({ ca }),
    identity: WORKER_ID,
  });
  const client = new Emitted(dispatcher.events());
  const load = await Load.begin(dispatcher);

  await Deno.writeTextFile(ca, old.pem + next.pem);
  await client.until("peer.accepted", ({ generation }) => generation === 2);
  const version = makeVersion(WORKER_ID, [next]);
  await renamed.rewrite(folders.worker, version);
  const rotated = await worker.emitted.until("credentials.rotated");
  assert.equal(rotated.certificate?.fingerprint, version.fingerprint);
  await client.until("peer.accepted", ({ fingerprint }) => fingerprint === version.fingerprint);
  await Deno.writeTextFile(ca, next.pem);
  await client.until("peer.accepted", ({ generation }) => generation === 3);
  await load.goesOn();
  await load.end();
  await worker.emitted.until(
    "listener.generation",
    ({ generation, state }) => generation === 1 && state === "ended",
  );
  const securities = worker.emitted.of("peer.accepted").map(({ security }) => security);
  assert.deepEqual(new Set(securities), new Set(["one-way-tls"]));
});
