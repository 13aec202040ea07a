import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { IdleWatch } from "./idle_watch.ts";

Deno.test("IdleWatch reports once that a worker is idle, and again after it had a call", () => {
  const clock = new ManualClock();
  let since = clock.now();
  const reported: number[] = [];
  using _watch = new IdleWatch({
    idleSeconds: () => Math.floor((clock.now() - since) / 1_000),
    afterMs: 60_000,
    clock,
    onIdle: (seconds) => reported.push(seconds),
  });
  clock.advance(30_000);
  since = clock.now();
  clock.advance(59_000);
  assert.deepEqual(reported, []);
  clock.advance(1_000);
  assert.deepEqual(reported, [60]);
  clock.advance(600_000);
  assert.deepEqual(reported, [60]);
  since = clock.now();
  clock.advance(180_000);
  assert.equal(reported.length, 2);
});
