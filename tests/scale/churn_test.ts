import assert from "node:assert/strict";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { startWorker } from "../e2e/pair.ts";
import * as routines from "../e2e/routines.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";

/** Workers that take calls at the same time. */
const WORKERS = 50;
/** How many of them are replaced. */
const REPLACED = 12;
/** Calls under way at the same time. */
const LANES = 16;

Deno.test("fifty workers over mutual TLS of which one after the other is replaced lose no call", async () => {
  const trust = new Trust();
  const discovery = memoryDiscovery("churn");
  await using stack = new AsyncDisposableStack();
  const start = async () =>
    stack.use(
      await startWorker(trust, { listen: "127.0.0.1:0", publish: discovery }, pem),
    );
  const pem = trust.worker();
  const serving: WorkerServer[] = [];
  for (let n = 0; n < WORKERS; n++) serving.push(await start());
  const dispatcher = stack.use(
    await Dispatcher.open({ discovery, credentials: trust.client(), identity: WORKER_ID }),
  );
  // No time is measured: each wait ends with what it waits for.
  await dispatcher.ready({ min: WORKERS, timeoutMs: 0 });

  let stopped = false;
  let answered = 0;
  let more = Promise.withResolvers<void>();
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let n = 0; !stopped; n++) {
      if (lane % 4 === 3) {
        const items = await Array.fromAsync(dispatcher.stream(routines.count, [`l${lane}`, 5]));
        assert.deepEqual(items, [1, 2, 3, 4, 5]);
      } else assert.equal(await dispatcher.call(routines.add, [n, 1], { timeoutMs: 0 }), n + 1);
      answered += 1;
      more.resolve();
      more = Promise.withResolvers();
    }
  });
  const answers = async (count: number) => {
    for (const wanted = answered + count; answered < wanted;) {
      await Promise.race([more.promise, ...lanes]);
    }
  };
  for (let n = 0; n < REPLACED; n++) {
    serving.push(await start());
    const leaving = serving.shift()!;
    const left = leaving.drain();
    await answers(LANES * 4);
    await left;
  }
  stopped = true;
  await Promise.all(lanes);
  const addresses = new Set(serving.map(({ address }) => address));
  assert.deepEqual(new Set(dispatcher.workers().map(({ address }) => address)), addresses);
  assert.ok(answered >= REPLACED * LANES * 4);
});
