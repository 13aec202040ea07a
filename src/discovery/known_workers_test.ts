import assert from "node:assert/strict";
import { KnownWorkers } from "./known_workers.ts";

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
