/** The clock and the timers; replaced by tests. */
export interface TurnsOptions {
  /** The time in milliseconds. Default: `performance.now`. */
  readonly now?: () => number;
  /** Default: `setImmediate`. */
  readonly nextTurn?: (callback: () => void) => void;
  /** Default: `setTimeout`. */
  readonly afterPause?: (callback: () => void, ms: number) => void;
}

/** The assumed cost of a call on the fast path, in milliseconds; measured 0.02 to 0.03. */
const FAST_CALL_MS = 0.03;
/** The share of the time that the plain path gets however busy the fast path is … */
const LEAST_SHARE = 0.125;
/** … and where the fast path is idle. */
const MOST_SHARE = 0.8;
/** How long calls on the plain path pause while the fast path is in use, in milliseconds: the shortest timer. */
const PAUSE_MS = 1;
/** How long the use of the fast path is remembered, in milliseconds. */
const MEMORY_MS = 20;
/** Below this share of the time, the fast path counts as idle. */
const IDLE = 0.01;
/** How many calls begin at once while the fast path is idle. */
const MOST_AT_ONCE = 32;

/**
 * Decides when calls on the plain path begin, each of which costs about ten times as much as one on the
 * fast path: round robin over the peers, and all of them together in the time that the fast path
 * leaves, at least an eighth. A peer that sends five hundred at once delays its own calls, not those of
 * others.
 */
export class Turns {
  readonly #now: () => number;
  readonly #nextTurn: (callback: () => void) => void;
  readonly #afterPause: (callback: () => void, ms: number) => void;
  /** The peers that have calls waiting, the one whose turn is next first. */
  readonly #asking: Share[] = [];
  /** Calls have begun, and others wait until the cost of those is known. */
  #busy = false;
  #fastCalls = 0;
  /** The share of the recent time in which the fast path was in use. */
  #inUse = 0;
  #endedAt: number;
  /** How many begin at once. */
  #atOnce = 1;

  /** No call waits yet. */
  constructor(options: TurnsOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#nextTurn = options.nextTurn ?? setImmediate;
    this.#afterPause = options.afterPause ?? setTimeout;
    this.#endedAt = this.#now();
  }

  /** The turns of one peer. */
  share(): Share {
    return new Share(this);
  }

  /** A call on the fast path has begun. */
  fastCall(): void {
    this.#fastCalls++;
  }

  /** Waits for a turn of `share`; resolves at once where no other call waits. */
  take(share: Share): Promise<void> {
    if (this.#busy) {
      return new Promise((begin) => {
        if (share.waiting.push(begin) === 1) this.#asking.push(share);
      });
    }
    this.#busy = true;
    this.#nextTurn(this.#begin);
    return Promise.resolve();
  }

  readonly #begin = (): void => {
    const begunAt = this.#now();
    let begun = 0;
    while (begun < this.#atOnce && this.#asking.length > 0) {
      const share = this.#asking.shift()!;
      share.waiting.shift()!();
      begun++;
      if (share.waiting.length > 0) this.#asking.push(share);
    }
    this.#busy = begun > 0;
    // Before anything else is done: by then what has begun has done what it can do at once.
    if (this.#busy) this.#nextTurn(() => this.#ended(begun, begunAt));
  };

  #ended(begun: number, begunAt: number): void {
    const now = this.#now();
    const eachMs = Math.max((now - begunAt) / begun, 0.001);
    const sinceMs = Math.max(now - this.#endedAt, 0.001);
    const inUse = Math.min(1, this.#fastCalls * FAST_CALL_MS / sinceMs);
    // A moment without calls is no sign that there will be none.
    this.#inUse += (inUse - this.#inUse) * Math.min(1, sinceMs / MEMORY_MS);
    this.#fastCalls = 0;
    this.#endedAt = now;
    if (this.#inUse < IDLE) {
      this.#atOnce = MOST_AT_ONCE;
      this.#nextTurn(this.#begin);
      return;
    }
    const share = Math.max(LEAST_SHARE, MOST_SHARE - this.#inUse);
    const sliceMs = PAUSE_MS * share / (1 - share);
    this.#atOnce = Math.max(1, Math.round(sliceMs / eachMs));
    this.#afterPause(this.#begin, PAUSE_MS);
  }
}

/** The turns of one peer. */
export class Share {
  /** What waits for one. */
  readonly waiting: (() => void)[] = [];
  readonly #turns: Turns;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Waits for a turn. */
  turn(): Promise<void> {
    return this.#turns.take(this);
  }
}
