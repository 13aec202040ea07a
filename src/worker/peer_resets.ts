import { EventBudget, type Http2Limits } from "../http2/mod.ts";
import { RecentValues } from "../values/mod.ts";

/** How many peers are remembered; the least recent is forgotten first. */
export const PEERS = 4096;

/**
 * How many streams each peer may reset, over all its connections one after the other: what a rapid
 * reset has used up is not there again after a new handshake.
 */
export class PeerResets {
  readonly #budgets: RecentValues<EventBudget>;

  /** @param clock the time in milliseconds. */
  constructor(
    { resetBurst, resetsPerSecond }: Pick<Http2Limits, "resetBurst" | "resetsPerSecond">,
    clock: () => number,
  ) {
    this.#budgets = new RecentValues(
      PEERS,
      () => new EventBudget(resetBurst, resetsPerSecond, clock),
    );
  }

  of(peer: string): EventBudget {
    return this.#budgets.of(peer);
  }
}
