import type { PeerReason } from "../errors/mod.ts";
import type { RefusalReason } from "./events/security_events.ts";

/** The failure seen last. */
export interface LastFailure {
  /** Why it failed. */
  readonly reason: RefusalReason;
  /** What the peer said is wrong with our certificate. */
  readonly peerReason?: PeerReason;
  /** When, ISO 8601. */
  readonly at: string;
}

/** Counts failed handshakes by reason. The vocabulary is closed, so its size is bounded. */
export class HandshakeCounts {
  /** Made with the first failure: most peers have none. */
  #counts: Map<RefusalReason, number> | undefined;
  #total = 0;
  #last: LastFailure | undefined;

  /** All failures so far. */
  get total(): number {
    return this.#total;
  }

  /** The failure seen last; absent where none was. */
  get last(): LastFailure | undefined {
    return this.#last;
  }

  record(failure: LastFailure): void {
    this.#counts ??= new Map();
    this.#counts.set(failure.reason, (this.#counts.get(failure.reason) ?? 0) + 1);
    this.#total += 1;
    this.#last = failure;
  }

  /** A copy of the counts; a reason that never occurred is absent. */
  byReason(): Partial<Record<RefusalReason, number>> {
    return Object.fromEntries(this.#counts ?? []);
  }
}
