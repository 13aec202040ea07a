import { Code, ConnectError } from "@connectrpc/connect";

/** What messages that are being received may take together, beyond the first 64 KiB of each. */
export class GatherBudget {
  readonly #limitBytes: number;
  readonly #within: GatherBudget | undefined;
  #spentBytes = 0;

  /**
   * @param limitBytes what they may take.
   * @param within a larger budget that this is a part of. Default: none.
   */
  constructor(limitBytes: number, within?: GatherBudget) {
    this.#limitBytes = limitBytes;
    this.#within = within;
  }

  /**
   * A message takes `now` bytes where it took `before`.
   *
   * @throws {ConnectError} `ResourceExhausted` where it grows and all together take too much: it takes what it took.
   */
  change(before: number, now: number): void {
    if (Math.max(before, now) <= FREE_BYTES) return;
    this.#count(before, now);
    if (now <= before || !this.#exceeded) return;
    this.#count(now, before);
    throw new ConnectError(
      "too much is being received at once to take another large message",
      Code.ResourceExhausted,
    );
  }

  /** What messages take now beyond the first 64 KiB of each, in bytes. */
  get spentBytes(): number {
    return this.#spentBytes;
  }

  /**
   * Whether a message may take `bytes` before they have arrived: with them three quarters of the budget are left,
   * so that promises alone do not keep anyone from a large message.
   */
  isMostlyFree(bytes: number): boolean {
    if ((this.#spentBytes + bytes) * PROMISED_PART > this.#limitBytes) return false;
    return this.#within === undefined || this.#within.isMostlyFree(bytes);
  }

  get #exceeded(): boolean {
    if (this.#spentBytes > this.#limitBytes) return true;
    return this.#within !== undefined && this.#within.#exceeded;
  }

  #count(before: number, now: number): void {
    if (this.#within !== undefined) this.#within.#count(before, now);
    this.#spentBytes += Math.max(now - FREE_BYTES, 0) - Math.max(before - FREE_BYTES, 0);
  }
}

const FREE_BYTES = 64 * 1024;
/** The part of a budget that may be taken by what was promised and has not arrived. */
const PROMISED_PART = 4;

/** What all messages may take that are given no budget of their own, in bytes. */
export const GATHERED_BYTES: number = 256 * 1024 * 1024;

/** That budget. */
export const processBudget: GatherBudget = new GatherBudget(GATHERED_BYTES);

/**
 * Makes the budgets of peers, each a quarter of what they have together: 256 MiB by default, shared with all others of
 * the process.
 */
export function peerBudgets(gatheredBytes: number | undefined): () => GatherBudget {
  const all = gatheredBytes === undefined ? processBudget : new GatherBudget(gatheredBytes);
  const share = (gatheredBytes ?? GATHERED_BYTES) / 4;
  return () => new GatherBudget(share, all);
}
