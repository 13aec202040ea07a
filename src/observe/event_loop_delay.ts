import { type Clock, systemClock } from "./clock.ts";
import type { Metrics } from "./metrics.ts";

/** How often the event loop is asked to come by, in milliseconds. */
const PERIOD_MS = 100;

/**
 * Gives the metrics the longest delay of the event loop since they asked last, where they are recorded:
 * how much later than it was due a timer of 100 ms fired.
 */
export function watchEventLoop(metrics: Metrics, clock: Clock = systemClock): Disposable {
  if (!metrics.recording) return { [Symbol.dispose]: () => {} };
  let longestMs = 0;
  let dueAt = 0;
  let timer: Disposable;
  const lateMs = () => Math.max(0, clock.steady() - dueAt);
  const next = () => {
    dueAt = clock.steady() + PERIOD_MS;
    timer = clock.schedule(
      () => {
        longestMs = Math.max(longestMs, lateMs());
        next();
      },
      PERIOD_MS,
      { background: true },
    );
  };
  next();
  const gauge = metrics.watchEventLoopDelay(() => {
    const delaySeconds = Math.max(longestMs, lateMs()) / 1_000;
    longestMs = 0;
    return delaySeconds;
  });
  return {
    [Symbol.dispose]() {
      timer[Symbol.dispose]();
      gauge[Symbol.dispose]();
    },
  };
}
