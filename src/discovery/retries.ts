import { type Backoff, backoffMs } from "../observe/mod.ts";

const BACKOFF: Backoff = { shortestMs: 100, longestMs: 5_000 };

/** The waits between attempts, and when a failure is news. */
export class Retries {
  #failures = 0;
  #reported = false;

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#reported;
  }

  /** Something works. */
  succeeded(): void {
    this.#failures = 0;
    this.#reported = false;
  }

  /** An attempt has failed. @returns whether that is news. */
  failed(): boolean {
    const news = !this.#reported;
    this.#reported = true;
    return news;
  }

  /** How long to wait before the next attempt, in milliseconds. */
  waitMs(): number {
    return backoffMs(this.#failures++, BACKOFF);
  }
}
