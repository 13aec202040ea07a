import assert from "node:assert/strict";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { steadied, whenDue, whenPassed } from "./clock.ts";

Deno.test("steadied() stands still where the time goes back, and goes on from there", () => {
  const steady = steadied();
  assert.deepEqual([100, 150, 50, 60, 200].map(steady), [100, 150, 150, 160, 300]);
});

Deno.test("whenDue() notices a date within a minute where the clock was set forward, and waits where it was set back", () => {
  const clock = new ManualClock();
  const due: string[] = [];
  const inAnHour = () => {
    const at = clock.now() + 3_600_000;
    return () => at - clock.now();
  };
  whenDue(clock, inAnHour(), () => due.push("forward"));
  clock.setBack(-7_200_000);
  clock.advance(60_000);
  assert.deepEqual(due, ["forward"]);
  whenDue(clock, inAnHour(), () => due.push("back"));
  clock.setBack(7_200_000);
  clock.advance(3_600_000);
  assert.deepEqual(due, ["forward"]);
  clock.advance(7_200_000);
  assert.deepEqual(due, ["forward", "back"]);
  assert.equal(clock.pending, 0);
});

Deno.test("whenDue() waits for dates beyond what a timer keeps, and can be taken back", () => {
  const clock = new ManualClock();
  const until = clock.now() + 2 ** 32;
  let called = 0;
  whenDue(clock, () => until - clock.now(), () => called++);
  const taken = whenDue(clock, () => until - clock.now(), () => called++);
  clock.advance(2 ** 31);
  taken[Symbol.dispose]();
  clock.advance(2 ** 31 - 1);
  assert.equal(called, 0);
  clock.advance(1);
  assert.equal(called, 1);
});

Deno.test("whenPassed() counts the time for which the machine was suspended, and none that the clock was set back by", () => {
  const clock = new ManualClock();
  let called = 0;
  whenPassed(clock, 3_600_000, () => called++);
  clock.setBack(3_600_000);
  clock.advance(60_000);
  // The timer for the next minute has not gone on meanwhile.
  clock.suspend(3_500_000);
  clock.advance(59_999);
  assert.equal(called, 0);
  clock.advance(1);
  assert.equal(called, 1);
  assert.equal(clock.pending, 0);
});
