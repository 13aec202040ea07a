import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { closeUnusedTimers, expireAfter } from "./shared_timers.ts";

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

/** Timers of at least `timeoutMs` that are made, and what becomes of them. */
function watchedTimers(timeoutMs: number) {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const made: Watched[] = [];
  const cleared: unknown[] = [];
  globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
    const timer = set(callback, delayMs);
    if (delayMs >= timeoutMs) made.push(timer as unknown as Watched);
    return timer;
  }) as typeof set;
  globalThis.clearTimeout = (timer) => {
    if (made.includes(timer as unknown as Watched)) cleared.push(timer);
    clear(timer);
  };
  return {
    made,
    cleared,
    /** Whether each keeps the process alive. */
    get hold() {
      return made.map((timer) => timer.hasRef());
    },
    [Symbol.dispose]() {
      closeUnusedTimers();
      globalThis.setTimeout = set;
      globalThis.clearTimeout = clear;
    },
  };
}

interface Watched {
  hasRef(): boolean;
}

Deno.test("calls that follow each other have one timer, which holds the process only while one is waited for", () => {
  const timeoutMs = 123_456;
  using timers = watchedTimers(timeoutMs);
  const now = performance.now();
  const holds: boolean[][] = [];
  for (let n = 0; n < 3; n++) {
    const deadlines = [1, 2].map(() => expireAfter(timeoutMs, { expired: () => {} }, now));
    holds.push(timers.hold);
    deadlines[0]!.cancel();
    holds.push(timers.hold);
    deadlines[1]!.cancel();
    holds.push(timers.hold);
  }
  const once = [[true], [true], [false]];
  assert.deepEqual(holds, [...once, ...once, ...once]);
});

Deno.test("closeUnusedTimers() leaves no timer but those of deadlines that are waited for", () => {
  const timeoutMs = 123_456;
  using timers = watchedTimers(timeoutMs);
  const deadlines = [timeoutMs, 2 * timeoutMs, 2 ** 40].map((timeoutMs) =>
    expireAfter(timeoutMs, { expired: () => {} })
  );
  deadlines[0]!.cancel();
  deadlines[2]!.cancel();
  closeUnusedTimers();
  assert.deepEqual(timers.cleared, [timers.made[0], timers.made[2]]);
  deadlines[1]!.cancel();
  closeUnusedTimers();
  assert.deepEqual(timers.cleared, [timers.made[0], timers.made[2], timers.made[1]]);
});

Deno.test("expireAfter does not keep a timer for each of many times that nobody waits for", () => {
  using timers = watchedTimers(100_000);
  for (let n = 0; n < 5_000; n++) {
    expireAfter(100_000 + 5_000 * n, { expired: () => {} }).cancel();
  }
  assert.ok(timers.made.length - timers.cleared.length <= 256);
});

Deno.test("a deadline waits for its own time, also beside a timer that is kept for nobody", async () => {
  expireAfter(5, { expired: () => assert.fail("it was taken back") }).cancel();
  const start = performance.now();
  await new Promise<void>((resolve) => expireAfter(20, { expired: resolve }));
  assert.ok(performance.now() - start >= 20);
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

Deno.test("a deadline as long as the platform's timers is waited for, however long the process runs already", () => {
  const { setTimeout: set } = globalThis;
  const asked: [fire: () => void, delayMs: number][] = [];
  globalThis.setTimeout = ((fire: () => void, delayMs: number) => {
    asked.push([fire, delayMs]);
    return set(() => {}, 0);
  }) as typeof set;
  // A longer delay fires at once.
  const longestMs = 2 ** 31 - 1;
  const expired: number[] = [];
  try {
    const now = performance.now();
    const deadlines = [0, 70_000, 2 ** 24, 2 ** 24 + 70_000, 2 ** 40].flatMap((runsMs) =>
      [longestMs, 2 ** 31 - 2 ** 24, 2 ** 40].map((timeoutMs) =>
        expireAfter(timeoutMs, { expired: () => expired.push(timeoutMs) }, now + runsMs)
      )
    );
    assert.ok(asked.length > 0);
    for (const [fire] of asked.slice()) fire();
    for (const [, delayMs] of asked) assert.ok(delayMs <= longestMs, `${delayMs}`);
    assert.deepEqual(expired, []);
    for (const deadline of deadlines) deadline.cancel();
    closeUnusedTimers();
  } finally {
    globalThis.setTimeout = set;
  }
});

Deno.test("expireAfter in the background does not hold the process, nor do others of the same time hold it for them", () => {
  const timeoutMs = 123_456;
  using timers = watchedTimers(timeoutMs);
  const now = performance.now();
  const aside = expireAfter(timeoutMs, { expired: () => {} }, now, true);
  assert.deepEqual(timers.hold, [false]);
  const waited = expireAfter(timeoutMs, { expired: () => {} }, now);
  assert.deepEqual(timers.hold, [false, true]);
  waited.cancel();
  aside.cancel();
  assert.deepEqual(timers.hold, [false, false]);
  using _again = expireAfter(timeoutMs, { expired: () => {} }, now, true);
  assert.deepEqual(timers.hold, [false, false]);
});

Deno.test("expireAfter informs the others where one throws", async () => {
  const reported: string[] = [];
  const caught = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    caught.resolve(event.error);
  };
  globalThis.addEventListener("error", onError);
  try {
    const failure = new Error("it fails");
    const now = performance.now();
    expireAfter(5, { expired: () => reported.push("first") }, now);
    expireAfter(5, {
      expired: () => {
        throw failure;
      },
    }, now);
    await new Promise<void>((resolve) => expireAfter(5, { expired: resolve }, now));
    assert.deepEqual([reported, await caught.promise], [["first"], failure]);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
});

Deno.test("expireAfter informs outside of the scope in which the timer was made", async () => {
  const scope = new AsyncLocalStorage<string>();
  const now = performance.now();
  const found = await Promise.all(
    ["a", "b"].map((name) =>
      new Promise<string | undefined>((resolve) => {
        scope.run(name, () => expireAfter(5, { expired: () => resolve(scope.getStore()) }, now));
      })
    ),
  );
  assert.deepEqual(found, [undefined, undefined]);
});
