import assert from "node:assert/strict";
import { KnownWorkers } from "./known_workers.ts";

const ADDRESSES = Array.from({ length: 100 }, (_, at) => `10.0.0.${at}:1`);
const added = (address: string) => ({ kind: "added" as const, worker: { address } });
const removed = (address: string) => ({ kind: "removed" as const, address });

/** Follows what is used. */
function follow(used: Set<string>, changes: ReturnType<KnownWorkers["apply"]>): void {
  for (const change of changes) {
    if (change.kind === "removed") assert.ok(used.delete(change.address));
    else if (change.kind === "added") {
      assert.ok(!used.has(change.worker.address));
      used.add(change.worker.address);
    } else assert.ok(used.has(change.worker.address));
  }
}

Deno.test("KnownWorkers uses the same workers however they were found", () => {
  const atOnce = new Set<string>();
  follow(atOnce, new KnownWorkers(8, "a").apply(ADDRESSES.map(added)));
  assert.equal(atOnce.size, 8);
  const oneByOne = new Set<string>();
  const workers = new KnownWorkers(8, "a");
  for (const address of ADDRESSES.toReversed()) follow(oneByOne, workers.apply([added(address)]));
  assert.deepEqual(oneByOne, atOnce);
  assert.deepEqual([workers.found, workers.unused], [100, 92]);
});

Deno.test("KnownWorkers moves no other worker when one leaves", () => {
  const used = new Set<string>();
  const workers = new KnownWorkers(8, "a");
  follow(used, workers.apply(ADDRESSES.map(added)));
  const [left] = used;
  const before = new Set(used);
  follow(used, workers.apply([removed(left!)]));
  assert.equal(used.size, 8);
  assert.equal(used.difference(before).size, 1);
});

Deno.test("KnownWorkers chooses others for another dispatcher", () => {
  const all = new Set<string>();
  for (let dispatcher = 0; dispatcher < 200; dispatcher++) {
    const changes = new KnownWorkers(8, `dispatcher-${dispatcher}`).apply(ADDRESSES.map(added));
    assert.equal(changes.length, 8);
    for (const change of changes) if (change.kind === "added") all.add(change.worker.address);
  }
  assert.equal(all.size, ADDRESSES.length);
});

Deno.test("KnownWorkers passes changes on as they are where all are used", () => {
  const workers = new KnownWorkers(8, "a");
  const changes = [added("a:1"), added("b:1"), removed("a:1"), added("a:1")];
  assert.deepEqual(workers.apply(changes), changes);
  assert.deepEqual(workers.apply([removed("c:1")]), []);
  assert.deepEqual(workers.apply([added("b:1")]), [{
    kind: "updated",
    worker: { address: "b:1" },
  }]);
});
