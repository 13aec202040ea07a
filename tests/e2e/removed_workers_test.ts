/**
 * Workers that discovery has removed while they were at a call: the call goes on, but no longer than its dispatcher is
 * open, and trusts the worker.
 */
import assert from "node:assert/strict";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { startWorker } from "./pair.ts";
import { untilMarked, wait } from "./routines.ts";
import { HandTurned, Trust, WORKER_ID } from "./trust.ts";

/** A worker that is removed while it is at a call, and that call. */
async function setUp(resources: AsyncDisposableStack, name: string) {
  const trust = new Trust();
  const worker = resources.use(await startWorker(trust));
  const discovery = memoryDiscovery();
  const lease = await discovery.announce(
    { id: worker.id, address: worker.address, tls: true, tags: [] },
    { signal: new AbortController().signal },
  );
  const client = new HandTurned(trust.clientPem());
  const dispatcher = resources.use(
    await Dispatcher.open({
      discovery,
      credentials: client.credentials,
      identity: WORKER_ID,
      limits: { distrustGraceMs: 50 },
    }),
  );
  const events = dispatcher.events();
  const call = dispatcher.call(wait, [name], { timeoutMs: 0 });
  const failed = assert.rejects(call, WorkerUnavailable);
  await dispatcher.call(untilMarked, [`${name}:began`]);
  await lease[Symbol.asyncDispose]();
  for await (const { type } of events) if (type === "discovery.removed") break;
  assert.deepEqual(dispatcher.workers(), []);
  return { client, dispatcher, failed };
}

Deno.test("a dispatcher that is closed also ends calls at workers that discovery has removed", async () => {
  await using resources = new AsyncDisposableStack();
  const { dispatcher, failed } = await setUp(resources, "removed, closed");
  await dispatcher[Symbol.asyncDispose]();
  await failed;
});

Deno.test("a worker that discovery has removed is cut off, too, once it is no longer trusted", async () => {
  await using resources = new AsyncDisposableStack();
  const { client, failed } = await setUp(resources, "removed, distrusted");
  client.turn(new Trust().clientPem());
  await failed;
});
