import type { Ground, Pair } from "../ground.ts";

/** How much was done, and the figure. */
export interface Done {
  /** How many calls or items, by which processor time is divided; 0 where it means nothing. */
  readonly count: number;
  readonly value: number;
}

/** How scenarios of one kind are measured. */
export interface Measure {
  /** The workers it is measured with. */
  pair(ground: Ground): Promise<Pair>;
  /** @param parts what follows the kind in the scenario's name. */
  run(
    pair: Pair,
    parts: readonly string[],
    durationMs: number,
    ground: Ground,
  ): Promise<Done>;
}

/** The median time that something takes, again and again. */
export async function medianOf(once: () => Promise<unknown>, durationMs: number): Promise<Done> {
  const taken = await timesOf(once, durationMs);
  return { count: taken.length, value: quantile(taken, 0.5) };
}

/** How long each repetition took, in milliseconds. */
export async function timesOf(
  once: () => Promise<unknown>,
  durationMs: number,
): Promise<number[]> {
  const taken: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const start = performance.now();
    await once();
    taken.push(performance.now() - start);
  }
  return taken;
}

/** The value below which that share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** How often something is done a second, by so many at a time. */
export async function rateOf(
  callers: number,
  durationMs: number,
  once: (n: number) => Promise<void>,
): Promise<Done> {
  const start = performance.now();
  let count = 0;
  await Promise.all(Array.from({ length: callers }, async (_, seed) => {
    for (let n = seed; performance.now() < start + durationMs; n++) {
      await once(n);
      count++;
    }
  }));
  return { count, value: count / (performance.now() - start) * 1_000 };
}
