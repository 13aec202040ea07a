import { onAbort } from "../values/mod.ts";
import type { Clock, TimerOptions } from "./clock.ts";

/** Waits for `delayMs`, or until the signal aborts; never rejects. Default: the process may end meanwhile. */
export async function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
  options: TimerOptions = { background: true },
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.schedule(resolve, delayMs, options);
  using _abort = onAbort(signal, resolve);
  await promise;
}

/** The waits between attempts, in milliseconds. */
export interface Backoff {
  /** The wait after the first failure; it doubles with every other in a row. */
  readonly shortestMs: number;
  /** The longest wait. */
  readonly longestMs: number;
}

/**
 * How long to wait after so many failures before this one, in milliseconds: at random in the upper half, so that the
 * clients of one server do not come back together.
 */
export function backoffMs(failures: number, { shortestMs, longestMs }: Backoff): number {
  // Beyond 2^16 times the shortest, the longest wait has long been reached.
  const full = Math.min(longestMs, shortestMs * 2 ** Math.min(failures, 16));
  return full * (0.5 + Math.random() / 2);
}
