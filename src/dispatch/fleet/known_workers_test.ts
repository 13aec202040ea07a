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

/** How many of `dispatchers` use each worker. */
function usesOf(
  addresses: readonly string[],
  dispatchers: number,
  open: (ordinal: number) => KnownWorkers,
): readonly number[] {
  const uses = new Map(addresses.map((address) => [address, 0]));
  for (let ordinal = 0; ordinal < dispatchers; ordinal++) {
    for (const change of open(ordinal).apply(addresses.map(added))) {
      if (change.kind === "added") {
        uses.set(change.worker.address, uses.get(change.worker.address)! + 1);
      }
    }
  }
  return [...uses.values()];
}

Deno.test("KnownWorkers of dispatchers with ordinals are divided evenly, however many there are", () => {
  for (const dispatchers of [50, 77, 100, 200]) {
    const uses = usesOf(ADDRESSES, dispatchers, (ordinal) => new KnownWorkers(20, "a", ordinal));
    const mean = dispatchers * 20 / ADDRESSES.length;
    assert.ok(
      Math.max(...uses) <= mean * 1.3 + 1,
      `${dispatchers}: ${Math.max(...uses)} of ${mean}`,
    );
    assert.ok(
      Math.min(...uses) >= mean * 0.7 - 1,
      `${dispatchers}: ${Math.min(...uses)} of ${mean}`,
    );
  }
});

Deno.test("KnownWorkers of a dispatcher with an ordinal hardly change when workers come and go", () => {
  const workers = new KnownWorkers(20, "a", 5);
  const used = new Set<string>();
  follow(used, workers.apply(ADDRESSES.map(added)));
  for (let at = 0; at < 100; at++) {
    const before = new Set(used);
    const change = at % 2 === 0 ? removed(ADDRESSES[at]!) : added(`10.0.1.${at}:1`);
    follow(used, workers.apply([change]));
    assert.equal(used.size, 20);
    assert.ok(used.difference(before).size <= 2);
  }
  const now = [
    ...ADDRESSES.filter((_, at) => at % 2 === 1),
    ...ADDRESSES.flatMap((_, at) => at % 2 === 1 ? [`10.0.1.${at}:1`] : []),
  ];
  const anew = new Set<string>();
  follow(anew, new KnownWorkers(20, "b", 5).apply(now.map(added)));
  assert.deepEqual(used, anew);
});

Deno.test("KnownWorkers uses after any changes those that it would use if it had found them at once", () => {
  const used = new Set<string>();
  const workers = new KnownWorkers(8, "a");
  const found = new Set<string>();
  let state = 1;
  const next = (limit: number) => (state = state * 48_271 % 2_147_483_647) % limit;
  for (let round = 0; round < 500; round++) {
    const batch = Array.from({ length: 1 + next(3) }, () => {
      const address = ADDRESSES[next(ADDRESSES.length)]!;
      if (found.delete(address)) return removed(address);
      found.add(address);
      return added(address);
    });
    follow(used, workers.apply(batch));
    const atOnce = new Set<string>();
    follow(atOnce, new KnownWorkers(8, "a").apply([...found].map(added)));
    assert.deepEqual(used, atOnce);
  }
});
