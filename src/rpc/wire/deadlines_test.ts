import assert from "node:assert/strict";
import { expireAfter } from "./deadlines.ts";

Deno.test("expireAfter informs each of many, never before its time", async () => {
  const start = performance.now();
  const early: number[] = [];
  const reported = Array.from({ length: 200 }, (_, at) => {
    const timeoutMs = at % 20;
    const { promise, resolve } = Promise.withResolvers<void>();
    expireAfter(timeoutMs, {
      expired: () => {
        if (performance.now() < start + timeoutMs) early.push(timeoutMs);
        resolve();
      },
    });
    return promise;
  });
  await Promise.all(reported);
  assert.deepEqual(early, []);
});

Deno.test("expireAfter informs no one who took the deadline back", async () => {
  const reported: string[] = [];
  const deadlines = ["a", "b", "c"].map((name) =>
    expireAfter(5, { expired: () => reported.push(name) })
  );
  deadlines[1]?.cancel();
  deadlines[1]?.cancel();
  await new Promise<void>((resolve) => expireAfter(10, { expired: resolve }));
  assert.deepEqual(reported, ["a", "c"]);
});

Deno.test("expireAfter keeps no timer when every deadline was taken back", () => {
  // The test runner fails a test that leaves a timer behind.
  const deadlines = [30_000, 30_000, 5, 2 ** 40].map((timeoutMs) =>
    expireAfter(timeoutMs, { expired: () => {} })
  );
  for (const deadline of deadlines) deadline.cancel();
});

/** The timers of at least `timeoutMs` that are made, and those of them that are cleared. */
function watchedTimers(timeoutMs: number) {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const made: unknown[] = [];
  const cleared: unknown[] = [];
  globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
    const timer = set(callback, delayMs);
    if (delayMs >= timeoutMs) made.push(timer);
    return timer;
  }) as typeof set;
  globalThis.clearTimeout = (timer) => {
    if (made.includes(timer)) cleared.push(timer);
    clear(timer);
  };
  return {
    made,
    cleared,
    [Symbol.dispose]() {
      globalThis.setTimeout = set;
      globalThis.clearTimeout = clear;
    },
  };
}

Deno.test("expireAfter clears a timer that no call takes up once the microtasks have run, in the same turn", async () => {
  const timeoutMs = 123_456;
  using timers = watchedTimers(timeoutMs);
  const counts: number[] = [];
  await new Promise<void>((resolve) => {
    setImmediate(async () => {
      const turn = new Promise<void>((done) => setImmediate(done));
      expireAfter(timeoutMs, { expired: () => {} }).cancel();
      for (let task = 0; task < 50; task++) await undefined;
      counts.push(timers.cleared.length);
      await turn;
      counts.push(timers.cleared.length);
      resolve();
    });
  });
  assert.deepEqual(counts, [0, 1]);
});

Deno.test("expireAfter keeps one timer for calls that follow each other within a turn", async () => {
  const timeoutMs = 123_456;
  using timers = watchedTimers(timeoutMs);
  const now = performance.now();
  for (let n = 0; n < 3; n++) expireAfter(timeoutMs, { expired: () => {} }, now).cancel();
  const last = expireAfter(timeoutMs, { expired: () => {} }, now);
  await new Promise<void>((resolve) => setImmediate(resolve));
  // One that is in use is kept.
  assert.deepEqual([timers.made.length, timers.cleared.length], [1, 0]);
  last.cancel();
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.deepEqual([timers.made.length, timers.cleared.length], [1, 1]);
});

Deno.test("expireAfter goes on after one that takes another back", async () => {
  const reported: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  expireAfter(5, {
    expired: () => {
      reported.push("first");
      second.cancel();
    },
  });
  const second = expireAfter(5, { expired: () => reported.push("second") });
  expireAfter(20, { expired: resolve });
  await promise;
  assert.deepEqual(reported, ["first"]);
});
