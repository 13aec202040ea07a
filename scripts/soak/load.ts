import type { Dispatcher } from "../../mod.ts";
import { count, echo, echoes, linger } from "./routines.ts";

/** Who make short calls, at the same time. */
const CALLERS = 16;
/** How long each of them pauses between two calls, in milliseconds. */
const PAUSE_MS = 5;
/** How long the long calls last, in milliseconds: longer than two renewals are apart. */
const LONG_MS = 15_000;
/** How often a long duplex call is sent an item, in milliseconds. */
const BEAT_MS = 100;

/** The result of a load. */
export interface LoadResult {
  readonly calls: number;
  /** Of those, the ones that outlast a renewal. */
  readonly longCalls: number;
  readonly failed: number;
}

/** Puts calls of every kind on a dispatcher until the time is over, and waits for the last. */
export async function load(dispatcher: Dispatcher, durationMs: number): Promise<LoadResult> {
  const end = performance.now() + durationMs;
  let calls = 0;
  let longCalls = 0;
  let failed = 0;
  const keepUp = async (call: () => Promise<void>, pauseMs: number): Promise<void> => {
    while (performance.now() < end) {
      try {
        await call();
      } catch (error) {
        failed += 1;
        console.error("a call failed:", error);
      }
      calls += 1;
      if (pauseMs === 0) longCalls += 1;
      await pause(pauseMs);
    }
  };
  await Promise.all([
    ...Array.from({ length: CALLERS }, () => keepUp(() => unary(dispatcher), PAUSE_MS)),
    keepUp(() => stream(dispatcher), PAUSE_MS),
    keepUp(() => longUnary(dispatcher), 0),
    keepUp(() => longDuplex(dispatcher), 0),
  ]);
  return { calls, longCalls, failed };
}

async function unary(dispatcher: Dispatcher): Promise<void> {
  const n = Math.random();
  expect(await dispatcher.call(echo, [n]), n);
}

async function stream(dispatcher: Dispatcher): Promise<void> {
  let last = 0;
  for await (const n of dispatcher.stream(count, [50])) expect(n, ++last);
  expect(last, 50);
}

async function longUnary(dispatcher: Dispatcher): Promise<void> {
  expect(await dispatcher.call(linger, [LONG_MS], { timeoutMs: 2 * LONG_MS }), LONG_MS);
}

async function longDuplex(dispatcher: Dispatcher): Promise<void> {
  const beats = LONG_MS / BEAT_MS;
  async function* numbers() {
    for (let n = 1; n <= beats; n++) {
      await pause(BEAT_MS);
      yield n;
    }
  }
  let last = 0;
  for await (const n of dispatcher.duplex(echoes, numbers(), [])) expect(n, ++last);
  expect(last, beats);
}

function expect(found: number, expected: number): void {
  if (found !== expected) throw new Error(`answered ${found}, not ${expected}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
