import assert from "node:assert/strict";
import type { DiscoveryChange } from "./discovery.ts";
import { memoryDiscovery } from "./memory.ts";

Deno.test("memoryDiscovery() keeps a worker whose predecessor at its address, or of its id, is withdrawn after it has come", async () => {
  for (const next of [{ id: "w1", address: "127.0.0.1:2" }, { id: "w2", address: "127.0.0.1:1" }]) {
    const discovery = memoryDiscovery();
    const stop = new AbortController();
    await using before = await discovery.announce(
      { id: "w1", address: "127.0.0.1:1", tls: true, tags: [] },
      stop,
    );
    await discovery.announce({ ...next, tls: true, tags: [] }, stop);
    await before[Symbol.asyncDispose]();
    const { value: known } = await discovery.watch(stop.signal)[Symbol.asyncIterator]().next();
    assert.deepEqual(known, [{ kind: "added", worker: { ...next, tags: [] } }]);
    stop.abort();
  }
});

Deno.test("memoryDiscovery() never reports a worker as gone whose successor is at its address", async () => {
  const discovery = memoryDiscovery();
  const stop = new AbortController();
  const watching = discovery.watch(stop.signal)[Symbol.asyncIterator]();
  await watching.next();
  const worker = { id: "w1", address: "127.0.0.1:1", tls: true, tags: [] };
  const before = await discovery.announce(worker, stop);
  await discovery.announce({ ...worker, id: "w2" }, stop);
  await before[Symbol.asyncDispose]();
  const { value: changes } = await watching.next();
  assert.deepEqual((changes as readonly DiscoveryChange[]).map(({ kind }) => kind), [
    "added",
    "updated",
  ]);
  stop.abort();
});

Deno.test("memoryDiscovery() reports what is announced, updated and withdrawn", async () => {
  const discovery = memoryDiscovery();
  const stop = new AbortController();
  const watching = discovery.watch(stop.signal)[Symbol.asyncIterator]();
  assert.deepEqual((await watching.next()).value, []);
  const worker = { id: "w1", address: "127.0.0.1:1", tls: true, tags: ["gpu"] };
  const lease = await discovery.announce(worker, { signal: stop.signal });
  const found = { id: "w1", address: "127.0.0.1:1", tags: ["gpu"] };
  assert.deepEqual((await watching.next()).value, [{ kind: "added", worker: found }]);
  await lease.update({ ...worker, signed: "s" });
  assert.deepEqual((await watching.next()).value, [
    { kind: "updated", worker: { ...found, signed: "s" } },
  ]);
  await lease.update({ ...worker, signed: "s" });
  assert.deepEqual((await watching.next()).value, [
    { kind: "updated", worker: { ...found, signed: "s" } },
  ]);
  const late = discovery.watch(stop.signal)[Symbol.asyncIterator]();
  const first = (await late.next()).value as readonly DiscoveryChange[];
  assert.deepEqual(first, [{ kind: "added", worker: { ...found, signed: "s" } }]);
  await lease[Symbol.asyncDispose]();
  assert.deepEqual((await watching.next()).value, [{ kind: "removed", address: "127.0.0.1:1" }]);
  stop.abort();
  assert.equal((await watching.next()).done, true);
});
