import type { Clock } from "./clock.ts";

/** So many reports of one kind are made in a second; a peer that fails on purpose floods nobody. */
const REPORTS_A_SECOND = 64;

/** Lets so many reports through in each second, and counts the others. */
export class ReportBudget {
  readonly #clock: Clock;
  #until = 0;
  #left = 0;
  #unreported = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many were held back since the last one let through; `undefined` holds this one back. */
  take(): number | undefined {
    const now = this.#clock.steady();
    if (now >= this.#until) {
      this.#until = now + 1_000;
      this.#left = REPORTS_A_SECOND;
    }
    if (this.#left === 0) {
      this.#unreported += 1;
      return undefined;
    }
    this.#left -= 1;
    const unreported = this.#unreported;
    this.#unreported = 0;
    return unreported;
  }
}
