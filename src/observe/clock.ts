import { expireAfter, letProcessEnd } from "../platform/mod.ts";

/** The time and the timers that everything which waits is given, so that tests can turn them. */
export interface Clock {
  /** Milliseconds since the epoch, by the machine's clock: for dates. It may be set back, or forward. */
  now(): number;
  /**
   * Milliseconds of a time that never goes back, also where the machine's clock is set back: for how long
   * something lasts. It may jump on, and says nothing of the date.
   */
  steady(): number;
  /** Calls `callback` once, `delayMs` from now; disposing of the timer before then prevents it. */
  schedule(callback: () => void, delayMs: number, options?: TimerOptions): Disposable;
}

/** How a timer is kept. */
export interface TimerOptions {
  /** Whether the process may end although the timer is still to fire. Default false. */
  readonly background?: boolean;
  /** Whether it may be up to 1/64 of the time late, and is then one with others that fall due together. Default false. */
  readonly shared?: boolean;
}

/** The longest delay the platform's timers keep; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

const steadyNow = steadied();

/** The machine's own clock. A delay of more than 24 days ends after 24 days. */
export const systemClock: Clock = {
  now: (): number => Date.now(),
  // `performance.now()` takes two to three times as long here.
  steady: (): number => steadyNow(Date.now()),
  schedule(callback: () => void, delayMs: number, options: TimerOptions = {}): Disposable {
    const { background = false, shared = false } = options;
    if (shared) {
      const expiring = { expired: callback };
      return expireAfter(Math.max(delayMs, 0), expiring, performance.now(), background);
    }
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    if (background) letProcessEnd(timer);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/**
 * Makes a time that never goes back of one that may: it stands still where that goes back.
 *
 * @returns what gives the steady time at each time that it is given.
 */
export function steadied(): (now: number) => number {
  let last = -Infinity;
  let behindMs = 0;
  return (now) => {
    if (now < last) behindMs += last - now;
    last = now;
    return now + behindMs;
  };
}

/** A date is compared with the clock again after so long, in milliseconds. */
const LONGEST_UNSEEN_MS = 60_000;

/**
 * Calls back once nothing is left until a date. Timers do not follow the clock where it is set or the machine was
 * suspended, so that what is left is asked for again at least every minute.
 *
 * @param leftMs how long it is until then, in milliseconds, by the clock as it stands.
 * @returns what prevents the call.
 */
export function whenDue(
  clock: Clock,
  leftMs: () => number,
  callback: () => void,
  options: TimerOptions = {},
): Disposable {
  let timer: Disposable;
  const wait = (ms: number): void => {
    // Where a part of it is left, it does not matter when that is found.
    const isPart = ms > 2 * LONGEST_UNSEEN_MS;
    timer = clock.schedule(
      check,
      Math.min(ms, LONGEST_UNSEEN_MS),
      isPart ? { ...options, shared: true } : options,
    );
  };
  const check = (): void => {
    const left = leftMs();
    if (left > 0) wait(left);
    else callback();
  };
  wait(leftMs());
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/**
 * Calls back once so much time has passed, also where a part of it passed while the machine was suspended, which
 * the timer alone would add: up to a minute late then.
 *
 * @param delayMs how long from now, in milliseconds, by the clock's steady time.
 * @returns what prevents the call.
 */
export function whenPassed(
  clock: Clock,
  delayMs: number,
  callback: () => void,
  options: TimerOptions = {},
): Disposable {
  const at = clock.steady() + delayMs;
  return whenDue(clock, () => at - clock.steady(), callback, options);
}
