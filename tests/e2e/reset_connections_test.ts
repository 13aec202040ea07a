import assert from "node:assert/strict";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { Relay } from "../support/relay.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { Trust } from "./trust.ts";

Deno.test("a connection that is reset ends its calls at both ends by name, and the next call makes another", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using relay = new Relay(worker.address);
  await using dispatcher = await openDispatcher(trust, await relay.open());
  // Several calls, so that TLS has moved onto the socket's handle where the platform has one.
  for (const name of ["reset-1", "reset-2", "reset-3"]) {
    for (let n = 0; n < 5; n++) assert.equal(await dispatcher.call(routines.add, [n, 1]), n + 1);
    const lost = assert.rejects(dispatcher.call(routines.wait, [name]), WorkerUnavailable);
    await dispatcher.call(routines.untilMarked, [`${name}:began`]);
    relay.reset();
    await lost;
    // The worker has noticed it as well.
    await dispatcher.call(routines.untilMarked, [`${name}:AbortError`]);
  }
  assert.deepEqual(dispatcher.workers().map(({ state }) => state), ["ready"]);
});
