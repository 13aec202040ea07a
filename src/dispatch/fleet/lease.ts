import { insistOnNames, type OptionNames, unusable } from "../../errors/mod.ts";

/** How many of the workers that a discovery has found one dispatcher uses, and which. */
export interface Lease {
  /** How many at most. */
  readonly workers: number;
  /**
   * Which of the dispatchers this is, counted from 0: the ordinal of its pod, for instance. Dispatchers with
   * different ordinals divide the workers evenly among themselves. Default: none; each dispatcher chooses at
   * random, so that some workers have about twice the average number of dispatchers, and some have few.
   */
  readonly ordinal?: number | undefined;
}

const LEASE_NAMES = { workers: true, ordinal: true } satisfies OptionNames<Lease>;

/** The largest number that the place of a dispatcher is computed from. */
const MAX_ORDINAL = 2 ** 32 - 1;

/**
 * A lease as an option gives it: a number of workers, or that and an ordinal.
 *
 * @throws {ConfigurationError} If one is not a whole number, or out of its range, or a lease has no such option.
 */
export function leaseOf(setting: number | Lease | undefined): Lease | undefined {
  if (setting === undefined) return undefined;
  const lease = typeof setting === "number" ? { workers: setting } : setting;
  if (typeof lease === "object" && lease !== null) {
    insistOnNames("lease", lease, LEASE_NAMES, "lease");
  }
  insistOnCount("lease", lease?.workers, 1);
  if (lease.ordinal !== undefined) insistOnCount("lease.ordinal", lease.ordinal, 0);
  return lease;
}

/**
 * Checks a number of workers.
 *
 * @throws {ConfigurationError} If it is not a whole number, or out of its range.
 */
export function insistOnCount(setting: string, count: unknown, least: number): void {
  if (Number.isSafeInteger(count) && count as number >= least && count as number <= MAX_ORDINAL) {
    return;
  }
  throw unusable(
    setting,
    `${setting} is a whole number from ${least} to ${MAX_ORDINAL}, not ${String(count)}`,
  );
}

/**
 * Where the part of a dispatcher begins on a ring of workers, in [0, 1): the van der Corput sequence in base 2.
 * However many ordinals are in use, their places are spread evenly.
 */
export function placeOnRing(ordinal: number): number {
  let reversed = 0;
  for (let left = ordinal, bit = 0.5; left > 0; left = Math.floor(left / 2), bit /= 2) {
    if (left % 2 === 1) reversed += bit;
  }
  return reversed;
}
