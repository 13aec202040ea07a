import assert from "node:assert/strict";
import { Ending } from "./ending.ts";
import { onAbort } from "./on_abort.ts";

Deno.test("Ending calls each listener once, and none that was taken off or comes later", () => {
  const ending = new Ending();
  const called: string[] = [];
  using _first = onAbort(ending, () => called.push("first"));
  onAbort(ending, () => called.push("left"))[Symbol.dispose]();
  using _second = onAbort(ending, () => called.push("second"));
  assert.equal(ending.aborted, false);
  ending.abort();
  assert.equal(ending.aborted, true);
  ending.abort();
  using _late = onAbort(ending, () => called.push("late"));
  assert.deepEqual(called, ["first", "second"]);
});
