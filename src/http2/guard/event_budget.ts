/**
 * How often a peer may do what costs us and brings it nothing: a burst, earned back by time and by
 * useful work. The clock is read only where the burst is used up.
 */
export class EventBudget {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #clock: () => number;
  #left: number;
  #refilledAt: number;

  /**
   * Begins a budget, all of it there.
   *
   * @param burst how many events may come at once.
   * @param perSecond how many a second of time earns back.
   */
  constructor(burst: number, perSecond: number, clock: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = burst;
    this.#refilledAt = clock();
  }

  /** Counts one event, and returns whether it was within the budget. */
  spend(): boolean {
    if (this.#left < 1) this.#refill();
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** Gives back `events` for useful work. */
  earn(events: number): void {
    this.#left = Math.min(this.#burst, this.#left + events);
  }

  #refill(): void {
    const now = this.#clock();
    this.earn((now - this.#refilledAt) / 1000 * this.#perSecond);
    this.#refilledAt = now;
  }
}
