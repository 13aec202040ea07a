/** Values that are made once a key; beyond a number of keys the one that was not asked for longest is forgotten. */
export class RecentValues<Value> {
  readonly #max: number;
  readonly #make: () => Value;
  readonly #values = new Map<string, Value>();

  constructor(max: number, make: () => Value) {
    this.#max = max;
    this.#make = make;
  }

  /** The value of a key. */
  of(key: string): Value {
    const value = this.#values.get(key) ?? this.#make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#max) this.#values.delete(this.#values.keys().next().value ?? key);
    return value;
  }
}
