import { InvalidArgumentError } from "commander";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a duration: `250ms`, `25s`, `5m`, `24h`, `7d`.
 *
 * @returns Milliseconds.
 * @throws {InvalidArgumentError} If it is not a duration.
 */
export function parseDuration(text: string): number {
  const ms = durationIn(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("It takes a duration such as 250ms, 25s, 5m or 24h.");
}

/** The longest that a timer waits, in milliseconds: 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Reads how long something may take: a duration as {@linkcode parseDuration} reads it, or a whole number of
 * milliseconds.
 *
 * @returns Whole milliseconds, at least 1.
 * @throws {InvalidArgumentError} If it is neither, or too long for a timer.
 */
export function parseTimeout(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : durationIn(text);
  if (ms !== undefined && ms > 0 && ms <= LONGEST_MS) return Math.ceil(ms);
  throw new InvalidArgumentError(
    "It takes a duration such as 250ms, 5s or 2m, or milliseconds as a whole number from 1; 24 days at most.",
  );
}

function durationIn(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
