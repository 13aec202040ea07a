import type { Clock } from "../../observe/mod.ts";
import { onAbort } from "../../values/mod.ts";

/** How long to wait for workers where nothing says how long, in milliseconds. */
export const READY_TIMEOUT_MS = 30_000;

/** How long to wait, and who may end the wait. */
export interface WaitOptions {
  readonly clock: Clock;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait, in milliseconds; `undefined` and 0 are no limit. */
  readonly timeoutMs?: number | undefined;
  /** What a wait that took too long throws. */
  readonly expired: () => Error;
}

/**
 * Waits for a promise, a signal or a timeout, whichever comes first. What becomes of the promise
 * afterwards is ignored.
 */
export async function waitFor<Value>(
  promise: Promise<Value>,
  { clock, signal, timeoutMs, expired }: WaitOptions,
): Promise<Value> {
  if (signal?.aborted) {
    promise.catch(() => {});
    throw signal.reason;
  }
  const ended = Promise.withResolvers<never>();
  using _abort = onAbort(signal, () => ended.reject(signal?.reason));
  using _timer = timeoutMs === undefined || timeoutMs === 0
    ? undefined
    : clock.schedule(() => ended.reject(expired()), timeoutMs, { shared: true });
  return await Promise.race([promise, ended.promise]);
}
