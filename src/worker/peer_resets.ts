import { EventBudget, type Http2Limits } from "../http2/mod.ts";

/** How many peers are remembered; the least recent is forgotten first. */
const PEERS = 4096;

/**
 * How many streams each peer may reset, over all its connections one after the other: what a rapid
 * reset has used up is not there again after a new handshake.
 */
export class PeerResets {
  readonly #limits: Pick<Http2Limits, "resetBurst" | "resetsPerSecond">;
  readonly #clock: () => number;
  readonly #budgets = new Map<string, EventBudget>();

  /**
   * Remembers nobody yet.
   *
   * @param limits how many.
   * @param clock the time in milliseconds.
   */
  constructor(
    limits: Pick<Http2Limits, "resetBurst" | "resetsPerSecond">,
    clock: () => number,
  ) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The budget of a peer that has connected. */
  of(peer: string): EventBudget {
    const { resetBurst, resetsPerSecond } = this.#limits;
    const budget = this.#budgets.get(peer) ??
      new EventBudget(resetBurst, resetsPerSecond, this.#clock);
    this.#budgets.delete(peer);
    this.#budgets.set(peer, budget);
    if (this.#budgets.size > PEERS) this.#budgets.delete(this.#budgets.keys().next().value ?? peer);
    return budget;
  }
}
