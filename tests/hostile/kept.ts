/** What a client keeps of its throughput while another is at work. */
export interface Kept {
  /** The median of what was kept in each window, of 1. */
  readonly ratio: number;
  /** Calls a second without the other, the median. */
  readonly alone: number;
  /** Calls a second beside the other, the median. */
  readonly beside: number;
}

/** What is measured: calls a second over so many milliseconds. */
export interface Windows {
  alone(ms: number): Promise<number>;
  beside(ms: number): Promise<number>;
}

/** How it is measured. */
export interface KeptOptions {
  /** How many windows beside the other; there is one more without. Default 5. */
  readonly pairs?: number;
  /** How long a window is, in milliseconds. Default 400. */
  readonly windowMs?: number;
  /** The least that is to be kept, of 1. Default 0.5. */
  readonly least?: number;
}

/** How often something is measured, at most, before it is believed to be too little. */
const TRIES = 3;

/**
 * Measures alternately, so that what else the machine does falls on both alike. What comes out as too
 * little is measured again, in windows twice as long each time.
 */
export async function measureKept(windows: Windows, options: KeptOptions = {}): Promise<Kept> {
  const { pairs = 5, windowMs = 400, least = 0.5 } = options;
  for (let attempt = 1;; attempt++) {
    const kept = await byTurns(windows, pairs, windowMs * 2 ** (attempt - 1));
    if (kept.ratio >= least || attempt === TRIES) return kept;
  }
}

async function byTurns({ alone, beside }: Windows, pairs: number, ms: number): Promise<Kept> {
  const without = [await alone(ms)];
  const during: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    during.push(await beside(ms));
    without.push(await alone(ms));
  }
  // Each against what went before and what came after it.
  const ratios = during.map((calls, at) => 2 * calls / (without[at]! + without[at + 1]!));
  return { ratio: median(ratios), alone: median(without), beside: median(during) };
}

/** The middle one, or between the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
