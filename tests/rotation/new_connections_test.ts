import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { echo } from "./routines.ts";
import { Folders } from "./stage.ts";
import { ALLOWED, CLIENT_ID, makeRoot, makeVersion, pemOf, WORKER_ID } from "./versions.ts";
import { pathsIn, renamed } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

const ROTATIONS = 12;
const DIALLERS = 4;

Deno.test("no connection is lost while a worker rotates again and again", async () => {
  const root = makeRoot("root");
  await using folders = await Folders.make();
  await renamed.lay(folders.worker, makeVersion(WORKER_ID, [root]));
  await using worker = WorkerProcess.start({
    files: { ...pathsIn(folders.worker), debounceMs: 10 },
    allow: ALLOWED,
  });
  const address = await worker.address;
  const credentials = Credentials.fromPem(pemOf(makeVersion(CLIENT_ID, [root])));
  const failures: unknown[] = [];
  const failed = Promise.withResolvers<void>();
  let connections = 0;
  let rotating = true;
  const dialler = async () => {
    while (rotating && failures.length === 0) {
      await using dispatcher = await Dispatcher.open({
        discovery: `static:${address}`,
        credentials,
        identity: WORKER_ID,
      });
      await dispatcher.call(echo, [1]).catch((error) => {
        failures.push(error);
        failed.resolve();
      });
      connections += 1;
    }
  };
  const diallers = Array.from({ length: DIALLERS }, dialler);
  for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
    await renamed.rewrite(folders.worker, makeVersion(WORKER_ID, [root]));
    // Nobody changes credentials so often that no handshake fits in between.
    const fits = worker.emitted.until(
      "peer.accepted",
      ({ generation }) => generation === rotation + 1,
    );
    await Promise.race([fits, failed.promise]);
  }
  rotating = false;
  await Promise.all(diallers);
  assert.deepEqual(failures, []);
  assert.ok(connections >= ROTATIONS, `${connections} connections`);
});
