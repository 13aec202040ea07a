import assert from "node:assert/strict";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { WarningLimiter } from "./warning_limiter.ts";

Deno.test("WarningLimiter lets a peer's first warning of a kind through and holds the next back", () => {
  const limiter = new WarningLimiter(new ManualClock());
  assert.deepEqual(limiter.admit("x", "a"), { heldBack: 0, heldBackOthers: 0 });
  assert.equal(limiter.admit("x", "a"), undefined);
  assert.ok(limiter.admit("y", "a"));
  assert.ok(limiter.admit("x", "b"));
});

Deno.test("WarningLimiter reports a peer's held-back count after the minute", () => {
  const clock = new ManualClock();
  const limiter = new WarningLimiter(clock);
  for (let count = 0; count < 4; count++) limiter.admit("x", "a");
  clock.advance(59_999);
  assert.equal(limiter.admit("x", "a"), undefined);
  clock.advance(1);
  assert.deepEqual(limiter.admit("x", "a"), { heldBack: 4, heldBackOthers: 0 });
  clock.advance(60_000);
  assert.deepEqual(limiter.admit("x", "a"), { heldBack: 0, heldBackOthers: 0 });
});

Deno.test("WarningLimiter lets a warning through a minute later, however far the clock was set back", () => {
  const clock = new ManualClock();
  const limiter = new WarningLimiter(clock);
  limiter.admit("x", "a");
  clock.setBack(3_600_000);
  clock.advance(60_000);
  assert.ok(limiter.admit("x", "a"));
});

Deno.test("WarningLimiter stays bounded however many peers there are, and loses no count", () => {
  const clock = new ManualClock();
  const limiter = new WarningLimiter(clock);
  const admitted = Array.from({ length: 10_000 }, (_, peer) => limiter.admit("x", `peer ${peer}`));
  assert.equal(admitted.filter((warning) => warning !== undefined).length, 64);
  clock.advance(60_000);
  assert.deepEqual(limiter.admit("x", "new"), { heldBack: 0, heldBackOthers: 9936 });
});

Deno.test("WarningLimiter.drain() reports what was never reported", () => {
  const clock = new ManualClock();
  const limiter = new WarningLimiter(clock);
  for (let count = 0; count < 4; count++) limiter.admit("x", "a");
  limiter.admit("y", "a");
  clock.advance(120_000);
  limiter.admit("x", "b");
  assert.deepEqual([...limiter.drain()], [["x", 3]]);
  assert.deepEqual([...limiter.drain()], []);
});
