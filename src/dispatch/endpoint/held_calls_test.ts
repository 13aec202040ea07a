import assert from "node:assert/strict";
import { HeldCalls } from "./held_calls.ts";

Deno.test("HeldCalls keeps the calls that were added and not removed, in their order", () => {
  const held = new HeldCalls();
  const routines = () => held.first(8).map(({ routine }) => routine);
  const [a, b, c] = ["a", "b", "c"].map((routine) => held.add({ routine }));
  held.remove(b!);
  assert.deepEqual(routines(), ["a", "c"]);
  held.remove(c!);
  held.add({ routine: "d" });
  held.remove(a!);
  assert.deepEqual([routines(), held.size], [["d"], 1]);
  held.add({ routine: "e" });
  assert.deepEqual(held.first(1), [{ routine: "d" }]);
});
