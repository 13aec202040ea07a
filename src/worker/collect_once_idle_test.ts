import assert from "node:assert/strict";
import { collectOnceIdle } from "./collect_once_idle.ts";

Deno.test("collectOnceIdle() collects once, when no call is in flight, and outlives that it cannot", async () => {
  const calls = [1, 1, 0];
  const worker = {
    get inFlight() {
      return calls.shift()!;
    },
  };
  const collected = Promise.withResolvers<number>();
  // The sanitizer of Deno's tests finds a timer that goes on.
  collectOnceIdle(worker, () => {
    collected.resolve(calls.length);
    return Promise.reject(new TypeError("it is not offered"));
  });
  assert.equal(await collected.promise, 0);
});

Deno.test("collectOnceIdle() asks no more once it is disposed of", async () => {
  const asked = Promise.withResolvers<void>();
  const worker = {
    get inFlight() {
      asked.resolve();
      return 1;
    },
  };
  using _ = collectOnceIdle(worker, () => assert.fail("a call is in flight"));
  await asked.promise;
});
