import assert from "node:assert/strict";
import { KnownWorkers, MAX_CHARACTERS, MAX_ENTRIES } from "./known_workers.ts";

const [one, two] = [{ address: "10.0.0.1:1", id: "a" }, { address: "10.0.0.1:1", id: "b" }];

Deno.test("KnownWorkers keeps an address while one of its entries is left, in either order", () => {
  for (const first of ["a", "b"]) {
    const known = new KnownWorkers();
    assert.deepEqual(known.put("a", one!), [{ kind: "added", worker: one }]);
    assert.deepEqual(known.put("b", two!), [{ kind: "updated", worker: two }]);
    const left = first === "a" ? [] : [{ kind: "updated", worker: one }];
    assert.deepEqual(known.delete(first), left);
    const last = first === "a" ? "b" : "a";
    assert.deepEqual(known.delete(last), [{ kind: "removed", address: "10.0.0.1:1" }]);
    assert.deepEqual(known.delete(last), []);
  }
});

Deno.test("KnownWorkers.replace() reports only what differs", () => {
  const known = new KnownWorkers();
  known.put("a", one!);
  known.put("c", { address: "10.0.0.3:1" });
  const moved = { address: "10.0.0.4:1", id: "a" };
  assert.deepEqual(known.replace(new Map([["a", moved], ["b", two!]])), [
    { kind: "removed", address: "10.0.0.1:1" },
    { kind: "added", worker: moved },
    { kind: "added", worker: two },
    { kind: "removed", address: "10.0.0.3:1" },
  ]);
  assert.deepEqual(known.replace(new Map([["a", moved], ["b", two!]])), []);
});

Deno.test("KnownWorkers follows the newest of many entries of one address, in whichever order they go", () => {
  const known = new KnownWorkers();
  const worker = (id: number) => ({ address: "10.0.0.1:1", id: String(id) });
  for (let id = 0; id < 40; id++) known.put(String(id % 20), worker(id));
  assert.deepEqual(known.put("3", worker(3)), [{ kind: "updated", worker: worker(3) }]);
  assert.deepEqual(known.delete("3"), [{ kind: "updated", worker: worker(39) }]);
  for (let id = 4; id < 19; id++) assert.deepEqual(known.delete(String(id)), []);
  assert.deepEqual(known.delete("19"), [{ kind: "updated", worker: worker(22) }]);
  for (const key of ["0", "1"]) assert.deepEqual(known.delete(key), []);
  assert.deepEqual(known.delete("2"), [{ kind: "removed", address: "10.0.0.1:1" }]);
});

Deno.test("KnownWorkers takes so many entries, of one address as of many, and keeps what it has where there are more", () => {
  for (const addressOf of [() => "10.0.0.1:1", (at: number) => `10.0.${at >> 8}.${at & 255}:1`]) {
    const known = new KnownWorkers();
    const entries = new Map(
      Array.from({ length: MAX_ENTRIES }, (_, at) => [`${at}`, { address: addressOf(at) }]),
    );
    known.replace(entries);
    assert.throws(() => known.put("more", { address: "10.9.9.9:1" }), /more than 65536 workers/);
    assert.throws(() => known.replace(new Map([...entries, ["more", one!]])), /more than 65536/);
    assert.deepEqual(known.put("0", { address: addressOf(0) }), []);
    // Quadratic bookkeeping would take minutes here.
    assert.ok(known.replace(new Map()).some(({ kind }) => kind === "removed"));
  }
});

Deno.test("KnownWorkers takes so many characters of all entries together", () => {
  const known = new KnownWorkers();
  const signed = "s".repeat(MAX_CHARACTERS / 4);
  const worker = (at: number) => ({ address: `10.0.0.${at}:1`, signed });
  for (let round = 0; round < 3; round++) {
    for (const at of [1, 2, 3]) known.put(String(at), worker(at + round));
  }
  assert.throws(() => known.put("4", worker(9)), /more than 67108864 characters/);
  known.delete("1");
  assert.deepEqual(known.put("4", worker(9)), [{ kind: "added", worker: worker(9) }]);
});
