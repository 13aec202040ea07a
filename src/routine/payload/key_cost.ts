/** So many keys of a payload are cheap whatever they are: none of them is timed. */
export const FREE_KEYS = 256;
/** Of the keys beyond, one of so many is timed, on average: each takes a microsecond. */
const KEYS_A_SAMPLE = 64;
/** How often a key is looked up that is timed: the shortest counts, so that an interruption does not. */
const LOOKUPS = 3;
/** What keys may take on average, in lookups of a key in a table of one. Ordinary ones take up to three. */
const LOOKUPS_A_KEY = 8;
/** What all may take besides: about a millisecond. */
const BASE_LOOKUPS = 8_192;

/** By what keys are timed. */
export interface KeyTiming {
  /** A clock, in any unit. Default: `performance.now`. */
  readonly now?: () => number;
  /** A number from 0 to 1 that a sender cannot foresee. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What the lookups of keys are compared with. */
const one = new Set([1]);
const inTableOfOne = () => one.has(2);

/**
 * Limits what it takes to find the keys of the objects, maps and sets of one payload: a sender chooses them, and the
 * tables are the platform's. What all of them take is estimated from some that are drawn at random, each compared
 * with a lookup in a table of one at the same moment; so neither a slow nor a busy machine refuses anything.
 */
export class KeyCost {
  readonly #now: () => number;
  readonly #random: () => number;
  /** For how many keys the next that is timed stands. */
  #gap = KEYS_A_SAMPLE;
  #untimed = 0;
  #allowed = BASE_LOOKUPS;
  #estimated = 0;
  /** A lookup whose result is not used would be optimized away. */
  #found = 0;

  constructor({ now = () => performance.now(), random = Math.random }: KeyTiming = {}) {
    this.#now = now;
    this.#random = random;
  }

  /** One more key than those that are free is about to be added to a table. @returns whether {@linkcode exceeded} is to be asked about it. */
  isDue(): boolean {
    return --this.#untimed < 0;
  }

  /**
   * Times a key.
   *
   * @param lookup looks for the key in its table, to which it was not added yet.
   * @returns whether the keys take more than they may.
   */
  exceeded(lookup: () => boolean): boolean {
    let [ordinary, taken] = [Infinity, Infinity];
    for (let i = 0; i < LOOKUPS; i++) {
      ordinary = Math.min(ordinary, this.#timeOf(inTableOfOne));
      taken = Math.min(taken, this.#timeOf(lookup));
    }
    // A clock whose steps are longer than a lookup says nothing about it.
    if (ordinary > 0) this.#estimated += this.#gap * taken / ordinary;
    this.#allowed += this.#gap * LOOKUPS_A_KEY;
    this.#gap = 1 + Math.floor(this.#random() * (2 * KEYS_A_SAMPLE - 1));
    this.#untimed = this.#gap - 1;
    return this.#estimated > this.#allowed;
  }

  #timeOf(lookup: () => boolean): number {
    const begun = this.#now();
    if (lookup()) this.#found += 1;
    return this.#now() - begun;
  }
}
