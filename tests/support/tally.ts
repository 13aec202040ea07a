/** A number that tests wait for, without asking for it again and again. */
export class Tally {
  readonly #waiting = new Set<() => void>();
  #value = 0;

  /** The number now. */
  get value(): number {
    return this.#value;
  }

  /** Adds to it. */
  add(by: number): void {
    this.#value += by;
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves once a condition holds, in the same turn in which the number makes it hold. */
  until(holds: (value: number) => boolean): Promise<void> {
    if (holds(this.#value)) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds(this.#value)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }
}
