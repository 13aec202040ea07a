import { Overloaded } from "../../errors/mod.ts";
import type { EveryWorkerLimit } from "../limits.ts";

/** How many calls a {@linkcode CallGate} lets in. */
export type CallGateLimits = Pick<EveryWorkerLimit, "concurrency" | "concurrencyPerPeer">;

/**
 * Lets so many calls in at once and no more, and not all of them from one peer, nor from a few: places beyond
 * `concurrencyPerPeer` are for peers that have less than an equal share, so that another one finds a place.
 */
export class CallGate {
  readonly #concurrency: number;
  readonly #perPeer: number;
  readonly #now: () => number;
  /** Made once: where there is no room there is no time either, and the stack of an error takes most of it. */
  readonly #full: Overloaded;
  readonly #fullOfPeer: Overloaded;
  readonly #shareOfPeer: Overloaded;
  /** The calls of each peer that has any. */
  readonly #ofPeer = new Map<string, number>();
  #inFlight = 0;
  #idleSince: number;
  #freed: (() => void) | undefined;

  /**
   * @param now milliseconds since the epoch.
   * @param calls what its calls are, for errors. Default `calls`.
   */
  constructor(
    { concurrency, concurrencyPerPeer }: CallGateLimits,
    now: () => number,
    calls = "calls",
  ) {
    this.#concurrency = concurrency;
    this.#perPeer = concurrencyPerPeer;
    this.#now = now;
    this.#full = new Overloaded(`all ${concurrency} places for ${calls} are taken`);
    this.#fullOfPeer = new Overloaded(
      `all ${concurrencyPerPeer} places for ${calls} of one peer are taken`,
    );
    this.#shareOfPeer = new Overloaded(
      `the free places of ${concurrency} are kept for peers that have fewer ${calls} here`,
    );
    this.#idleSince = now();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether there is a place for anyone. */
  get hasPlace(): boolean {
    return this.#inFlight < this.#concurrency;
  }

  /** How long it has been without a call, in whole seconds. */
  get idleSeconds(): number {
    return this.#inFlight > 0 ? 0 : Math.floor((this.#now() - this.#idleSince) / 1_000);
  }

  /** Calls `freed` after each call that leaves. */
  onFreed(freed: () => void): void {
    this.#freed = freed;
  }

  /** Lets a call in, or says why not. One that was let in must {@linkcode leave}. */
  enter(peer: string): Overloaded | undefined {
    if (this.#inFlight >= this.#concurrency) return this.#full;
    const before = this.#ofPeer.get(peer) ?? 0;
    if (before >= this.#perPeer) return this.#fullOfPeer;
    if (this.#inFlight >= this.#perPeer && before >= this.#equalShare()) return this.#shareOfPeer;
    this.#ofPeer.set(peer, before + 1);
    this.#inFlight += 1;
    return undefined;
  }

  leave(peer: string): void {
    const left = (this.#ofPeer.get(peer) ?? 0) - 1;
    if (left > 0) this.#ofPeer.set(peer, left);
    else this.#ofPeer.delete(peer);
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#idleSince = this.#now();
    this.#freed?.();
  }

  /** What each peer would have if there were one more. */
  #equalShare(): number {
    return this.#concurrency / (this.#ofPeer.size + 1);
  }
}
