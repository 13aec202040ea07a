import assert from "node:assert/strict";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { add } from "./routines.ts";
import { Trust } from "./trust.ts";

Deno.test("a lease caps the workers that a dispatcher uses, and ordinals divide them", async () => {
  const trust = new Trust();
  await using workers = new AsyncDisposableStack();
  const addresses: string[] = [];
  for (let at = 0; at < 4; at++) {
    addresses.push(workers.use(await startWorker(trust)).address);
  }
  const used = new Set<string>();
  for (const ordinal of [0, 1]) {
    await using dispatcher = await openDispatcher(trust, addresses, {
      lease: { workers: 2, ordinal },
      quorum: 2,
    });
    using events = dispatcher.events();
    await dispatcher.ready();
    assert.deepEqual(dispatcher.workers().map(({ state }) => state), ["ready", "ready"]);
    for (const { address } of dispatcher.workers()) used.add(address);
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
    for await (const { type } of events) {
      assert.notEqual(type, "discovery.rejected", "what is left to others is not rejected");
      if (type === "peer.accepted") break;
    }
  }
  assert.deepEqual([...used].sort(), addresses.sort());
});

Deno.test("a quorum holds calls back until as many workers take them, within their deadline", async () => {
  const trust = new Trust();
  const registry = memoryDiscovery();
  await using first = await startWorker(trust, { publish: registry });
  await using dispatcher = await openDispatcher(trust, "unused:1", {
    discovery: registry,
    quorum: 2,
  });
  await dispatcher.ready({ min: 1 });
  const late = { name: "DeadlineExceeded", message: /^1 of 2 workers were ready within \d+ ms/ };
  await assert.rejects(dispatcher.call(add, [1, 2], { timeoutMs: 50 }), late);
  const waiting = dispatcher.call(add, [1, 2]);
  const second = await startWorker(trust, { publish: registry });
  assert.equal(await waiting, 3);
  // Once is enough: a fleet that shrinks later is used as it is.
  await second[Symbol.asyncDispose]();
  assert.equal(await dispatcher.call(add, [2, 2]), 4);
  assert.equal(first.address, dispatcher.workers()[0]?.address);
});

Deno.test("a lease or a quorum that is no number of workers is refused", async () => {
  const trust = new Trust();
  for (const wrong of [{ lease: 0 }, { lease: 1.5 }, { quorum: 0 }, { quorum: NaN }]) {
    await assert.rejects(openDispatcher(trust, "a:1", wrong), ConfigurationError);
  }
});
