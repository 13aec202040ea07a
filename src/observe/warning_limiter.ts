import type { Clock } from "./clock.ts";

/** One peer's warnings of one kind are let through once in this time. */
const WINDOW_MS = 60_000;

/** So many different peers may warn of one kind in a window; with it, a flood of addresses is no flood of lines. */
const PEERS_PER_WINDOW = 64;

/** A warning that may be written, with what was not since the last one. */
export interface AdmittedWarning {
  /** How many warnings of this kind about this peer were held back. */
  readonly heldBack: number;
  /** How many of this kind, about peers that have not been heard of since, were held back. */
  readonly heldBackOthers: number;
}

/** Lets one warning a minute through for each peer and kind, and counts the others. */
export class WarningLimiter {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, KindWindow>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether to write a warning of this kind about this peer; `undefined` holds it back.
   * There are as many kinds as the vocabulary has words; peers are bounded here.
   */
  admit(kind: string, peer: string): AdmittedWarning | undefined {
    const window = this.#current(kind);
    const held = window.peers.get(peer);
    if (held !== undefined) {
      window.peers.set(peer, held + 1);
      return undefined;
    }
    if (window.peers.size >= PEERS_PER_WINDOW) {
      window.others += 1;
      return undefined;
    }
    window.peers.set(peer, 0);
    const heldBack = window.before.get(peer) ?? 0;
    window.before.delete(peer);
    const heldBackOthers = window.others;
    window.others = 0;
    return { heldBack, heldBackOthers };
  }

  /** Forgets everything and returns how many warnings were held back and never emitted, by kind. */
  drain(): Map<string, number> {
    const unreported = new Map<string, number>();
    for (const [kind, { peers, before, others }] of this.#kinds) {
      const count = sum(peers) + sum(before) + others;
      if (count > 0) unreported.set(kind, count);
    }
    this.#kinds.clear();
    return unreported;
  }

  #current(kind: string): KindWindow {
    const now = this.#clock.steady();
    const window = this.#kinds.get(kind);
    if (window !== undefined && now < window.until) return window;
    const next: KindWindow = {
      until: now + WINDOW_MS,
      peers: new Map(),
      before: window?.peers ?? new Map(),
      others: window === undefined ? 0 : window.others + sum(window.before),
    };
    this.#kinds.set(kind, next);
    return next;
  }
}

interface KindWindow {
  readonly until: number;
  /** Peers let through in this window, with what was held back of them since. */
  readonly peers: Map<string, number>;
  /** What was held back in the window before, of peers not heard of in this one. */
  readonly before: Map<string, number>;
  /** What was held back of peers beyond the bound, or long silent. */
  others: number;
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
