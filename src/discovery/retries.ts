import { type Backoff, backoffMs, type Clock } from "../observe/mod.ts";

const BACKOFF: Backoff = { shortestMs: 100, longestMs: 5_000 };
/** A connection that works for so long, in milliseconds, is stable: the next wait is the shortest again. */
const STABLE_MS = 5_000;

/**
 * The waits between attempts, and when a failure is news. A server that answers and fails at once, again and again, is
 * asked ever less often: one answer makes the next failure news, but resets no wait.
 */
export class Retries {
  readonly #clock: Clock;
  #failures = 0;
  #reported = false;
  /** Since when the current attempt works. */
  #worksSince: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#reported;
  }

  /** The current attempt works. */
  succeeded(): void {
    this.#worksSince ??= this.#clock.steady();
    this.#reported = false;
  }

  /** An attempt has failed. @returns whether that is news. */
  failed(): boolean {
    const news = !this.#reported;
    this.#reported = true;
    return news;
  }

  /** The current attempt is over and was of use: the next wait is the shortest again. */
  progressed(): void {
    this.#worksSince = undefined;
    this.#failures = 0;
  }

  /** The current attempt is over. @returns how long to wait before the next one, in milliseconds. */
  waitMs(): number {
    const since = this.#worksSince;
    this.#worksSince = undefined;
    if (since !== undefined && this.#clock.steady() - since >= STABLE_MS) this.#failures = 0;
    return backoffMs(this.#failures++, BACKOFF);
  }
}
