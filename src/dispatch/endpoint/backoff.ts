/** How long to wait between attempts to connect. */
export interface BackoffOptions {
  /** The shortest wait, in milliseconds. Default 100. */
  readonly shortestMs?: number;
  /** The longest wait, in milliseconds. Default 30,000. */
  readonly longestMs?: number;
}

/**
 * The wait before the next attempt: doubles with every failure in a row, and is chosen at random
 * from its upper half, so that callers which failed together do not come back together.
 *
 * @param failures attempts that failed in a row, at least 1.
 * @param random a number in [0, 1).
 */
export function backoffMs(failures: number, random: number, options: BackoffOptions = {}): number {
  const { shortestMs = 100, longestMs = 30_000 } = options;
  // Beyond 2^30 times the shortest, any sensible longest wait has long been reached.
  const full = Math.min(longestMs, shortestMs * 2 ** Math.min(failures, 30));
  return full * (0.5 + random / 2);
}
