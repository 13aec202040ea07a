import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { Quiet } from "./quiet.ts";

Deno.test("Quiet waits out each change, and what keeps changing no longer than its patience", () => {
  const clock = new ManualClock();
  const quiet = new Quiet({ debounceMs: 100, patienceMs: 250, clock });
  const waits: number[] = [];
  for (let change = 0; change < 5; change++) {
    waits.push(quiet.changed());
    clock.advance(90);
  }
  assert.deepEqual(waits, [100, 100, 70, 0, 0]);
  quiet.reading();
  assert.equal(quiet.changed(), 100);
});
