import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { waitFor } from "./waiting.ts";

const never = new Promise<number>(() => {});
const expired = () => new Error("too late");

Deno.test("waitFor() gives the result of the promise, and leaves no timer", async () => {
  const clock = new ManualClock();
  assert.equal(await waitFor(Promise.resolve(3), { clock, timeoutMs: 50, expired }), 3);
  assert.deepEqual(clock.delays, []);
});

Deno.test("waitFor() throws what the caller's signal was aborted with", async () => {
  const clock = new ManualClock();
  const caller = new AbortController();
  const waiting = waitFor(never, { clock, signal: caller.signal, expired });
  caller.abort(new RangeError("enough"));
  await assert.rejects(waiting, new RangeError("enough"));
  await assert.rejects(
    waitFor(never, { clock, signal: caller.signal, expired }),
    new RangeError("enough"),
  );
});

Deno.test("waitFor() gives up when the time is over", async () => {
  const clock = new ManualClock();
  const waiting = waitFor(never, { clock, timeoutMs: 50, expired });
  const rejected = assert.rejects(waiting, new Error("too late"));
  await clock.advanceInTurns(50);
  await rejected;
});
