import { letProcessEnd } from "../platform/mod.ts";

/** The time and the timers that everything which waits is given, so that tests can turn them. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now; disposing of the timer before then prevents it. */
  schedule(callback: () => void, delayMs: number, options?: TimerOptions): Disposable;
}

/** How a timer is kept. */
export interface TimerOptions {
  /** Whether the process may end although the timer is still to fire. Default false. */
  readonly background?: boolean;
}

/** The longest delay the platform's timers keep; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The machine's own clock. A delay of more than 24 days ends after 24 days. */
export const systemClock: Clock = {
  now: (): number => Date.now(),
  schedule(callback: () => void, delayMs: number, options: TimerOptions = {}): Disposable {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    if (options.background === true) letProcessEnd(timer);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
