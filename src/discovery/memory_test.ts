import assert from "node:assert/strict";
import type { DiscoveryChange } from "./discovery.ts";
import { memoryDiscovery } from "./memory.ts";

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
  const late = discovery.watch(stop.signal)[Symbol.asyncIterator]();
  const first = (await late.next()).value as readonly DiscoveryChange[];
  assert.deepEqual(first, [{ kind: "added", worker: { ...found, signed: "s" } }]);
  await lease[Symbol.asyncDispose]();
  assert.deepEqual((await watching.next()).value, [{ kind: "removed", address: "127.0.0.1:1" }]);
  stop.abort();
  assert.equal((await watching.next()).done, true);
});
