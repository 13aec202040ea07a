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

Deno.test("expireAfter clears a timer that no call takes up once the microtasks have run, in the same turn", async () => {
  const { clearTimeout: clear } = globalThis;
  const cleared: unknown[] = [];
  globalThis.clearTimeout = (timer) => {
    cleared.push(timer);
    clear(timer);
  };
  try {
    const turns: number[] = [];
    await new Promise<void>((resolve) => {
      setImmediate(async () => {
        const turn = new Promise<void>((done) => setImmediate(done));
        expireAfter(123_456, { expired: () => {} }).cancel();
        for (let task = 0; task < 50; task++) await undefined;
        turns.push(cleared.length);
        await turn;
        turns.push(cleared.length);
        resolve();
      });
    });
    assert.deepEqual(turns, [0, 1]);
  } finally {
    globalThis.clearTimeout = clear;
  }
});

Deno.test("expireAfter keeps one timer for calls that follow each other within a turn", async () => {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const timeoutMs = 123_456;
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
  try {
    const now = performance.now();
    for (let n = 0; n < 3; n++) expireAfter(timeoutMs, { expired: () => {} }, now).cancel();
    const last = expireAfter(timeoutMs, { expired: () => {} }, now);
    await new Promise<void>((resolve) => setImmediate(resolve));
    // One that is in use is kept.
    assert.deepEqual([made.length, cleared.length], [1, 0]);
    last.cancel();
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual([made.length, cleared.length], [1, 1]);
  } finally {
    globalThis.setTimeout = set;
    globalThis.clearTimeout = clear;
  }
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
