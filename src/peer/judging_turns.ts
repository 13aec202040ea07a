import { setImmediate, setTimeout } from "node:timers";

/** How long peers may be judged anew in one turn of the event loop, in milliseconds. */
const TURN_MS = 5;
/** So many are judged in each turn whatever it takes: a few peers are judged at once, on any machine. */
const LEAST_A_TURN = 16;

/**
 * Judges peers anew after trust has changed, a few in each turn of the event loop, and leaves the loop as much time as
 * it took: a verdict takes 40 µs where its signatures are remembered, and ten times that where they are not, so that
 * 4,096 connections in one turn would stop a worker. What a peer may not do meanwhile is for the caller to prevent.
 */
export class JudgingTurns {
  readonly #now: () => number;
  readonly #later: (callback: () => void, delayMs: number) => void;
  readonly #waiting: (() => void)[] = [];
  /** When the turn began, where peers were judged in it. */
  #begunAt: number | undefined;
  #judged = 0;

  /**
   * No peer is to be judged yet.
   *
   * @param now the time in milliseconds.
   * @param later calls back in another turn of the event loop, after the delay at the earliest.
   */
  constructor(
    now: () => number = () => performance.now(),
    later: (callback: () => void, delayMs: number) => void = inLaterTurn,
  ) {
    this.#now = now;
    this.#later = later;
  }

  /** Judges a peer: at once where this turn has time left, else in a later one. `judge` must not throw. */
  take(judge: () => void): void {
    this.#waiting.push(judge);
    if (this.#begunAt === undefined) this.#begin();
    else if (this.#waiting.length === 1) this.#judge(this.#begunAt);
  }

  #begin(): void {
    this.#judged = 0;
    this.#begunAt = this.#now();
    this.#judge(this.#begunAt);
    this.#later(() => {
      this.#begunAt = undefined;
      if (this.#waiting.length > 0) this.#begin();
    }, this.#now() - this.#begunAt);
  }

  #judge(begunAt: number): void {
    let judge: (() => void) | undefined;
    while (
      (this.#judged < LEAST_A_TURN || this.#now() - begunAt < TURN_MS) &&
      (judge = this.#waiting.shift()) !== undefined
    ) {
      this.#judged += 1;
      judge();
    }
  }
}

function inLaterTurn(callback: () => void, delayMs: number): void {
  if (delayMs < 1) setImmediate(callback);
  else setTimeout(callback, Math.floor(delayMs));
}

/** Those of this process: what is shared is its event loop. */
export const judgingTurns: JudgingTurns = new JudgingTurns();
