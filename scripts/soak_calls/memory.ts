/** How much a process held over time. */
export class MemoryCurve {
  readonly #samples: number[] = [];

  /** Adds what it holds now, in bytes. */
  add(bytes: number): void {
    this.#samples.push(bytes);
  }

  /** The median of each quarter of the time, in MiB. */
  get quarters(): readonly number[] {
    return [0, 1, 2, 3].map((quarter) => {
      const { length } = this.#samples;
      const part = this.#samples.slice(quarter * length / 4, (quarter + 1) * length / 4);
      const median = part.toSorted((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
      return Math.round(median / 2 ** 20 * 10) / 10;
    });
  }

  /** What the last quarter holds more than the one before, in MiB. */
  get growth(): number {
    const [, , third = 0, fourth = 0] = this.quarters;
    return Math.round((fourth - third) * 10) / 10;
  }
}
