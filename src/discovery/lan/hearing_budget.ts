import type { Clock } from "../../observe/mod.ts";

/** Messages read of a second, of all networks together; more are dropped before they are decoded. */
const MAX_MESSAGES = 500;

/** What reading the messages of a second may take, in milliseconds: messages of one size differ in what they cost. */
const MAX_SPENT_MS = 200;

/** Bounds what anybody on the network makes this process do: messages beyond it are dropped unread. */
export class HearingBudget {
  readonly #clock: Clock;
  #second = 0;
  #messages = 0;
  #spentMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads a message, where that fits into what is left of this second. */
  spend(read: () => void): void {
    const begun = this.#clock.steady();
    const second = Math.floor(begun / 1_000);
    if (second !== this.#second) [this.#second, this.#messages, this.#spentMs] = [second, 0, 0];
    if (this.#messages >= MAX_MESSAGES || this.#spentMs >= MAX_SPENT_MS) return;
    this.#messages++;
    try {
      read();
    } finally {
      this.#spentMs += this.#clock.steady() - begun;
    }
  }
}
