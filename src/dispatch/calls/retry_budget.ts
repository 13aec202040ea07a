/**
 * How many calls may be made again at workers that did not take them: a share of all calls, and a burst.
 * Without it, a fleet that has no room would be asked for each call as often as it has workers.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #burst: number;
  #left: number;

  /**
   * Begins with the burst.
   *
   * @param ratio What every call adds, in retries: 0.1 is one retry for ten calls.
   * @param burst The most that is saved up.
   */
  constructor(ratio: number, burst: number) {
    this.#ratio = ratio;
    this.#burst = burst;
    this.#left = burst;
  }

  /** A call is made. */
  earn(): void {
    if (this.#left < this.#burst) this.#left += this.#ratio;
  }

  /** A call is to be made again. @returns whether it may be. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
