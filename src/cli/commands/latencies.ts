/** Durations are kept to about this share of themselves. */
const PRECISION = 0.01;
const STEP = Math.log1p(2 * PRECISION);

/** A histogram of durations in bounded memory: quantiles are right to a hundredth of their value. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #least = Infinity;
  #most = 0;

  /** Counts one duration, in milliseconds. */
  add(ms: number): void {
    const bucket = Math.floor(Math.log(Math.max(ms, 1e-4)) / STEP);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#sum += ms;
    this.#least = Math.min(this.#least, ms);
    this.#most = Math.max(this.#most, ms);
  }

  /** Everything of interest about them, in milliseconds; `undefined` where there are none. */
  summary(): LatencySummary | undefined {
    if (this.#count === 0) return undefined;
    return {
      min: rounded(this.#least),
      mean: rounded(this.#sum / this.#count),
      p50: this.#quantile(0.5),
      p95: this.#quantile(0.95),
      p99: this.#quantile(0.99),
      max: rounded(this.#most),
    };
  }

  #quantile(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left > 0) continue;
      const middle = Math.exp((bucket + 0.5) * STEP);
      return rounded(Math.min(Math.max(middle, this.#least), this.#most));
    }
    return rounded(this.#most);
  }
}

/** Durations in milliseconds. */
export type LatencySummary = Readonly<
  Record<"min" | "mean" | "p50" | "p95" | "p99" | "max", number>
>;

/** To three significant digits, or whole milliseconds. */
function rounded(ms: number): number {
  return ms >= 1_000 ? Math.round(ms) : Number(ms.toPrecision(3));
}
