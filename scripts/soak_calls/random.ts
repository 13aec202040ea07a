/** Numbers that look random, the same ones for the same seed. */
export class Random {
  #state: number;

  /** @param seed Where it begins. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
  }

  /** One of several. */
  of<Value>(values: readonly [Value, ...Value[]]): Value {
    return values[this.below(values.length)] as Value;
  }
}
