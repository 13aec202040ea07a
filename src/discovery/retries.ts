const SHORTEST_MS = 100;
const LONGEST_MS = 5_000;

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
    const full = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(this.#failures++, 10));
    return full * (0.5 + Math.random() / 2);
  }
}
