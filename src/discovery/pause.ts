import type { Clock } from "../observe/mod.ts";

/** Waits for `delayMs`, or until the signal aborts; never rejects. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(resolve, delayMs, { background: true });
  const wake = () => {
    timer[Symbol.dispose]();
    resolve();
  };
  signal.addEventListener("abort", wake, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", wake));
}
