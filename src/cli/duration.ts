import { InvalidArgumentError } from "commander";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a duration: `250ms`, `25s`, `5m`, `24h`, `7d`.
 *
 * @returns Milliseconds.
 * @throws {InvalidArgumentError} If it is not a duration.
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match !== null) return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  throw new InvalidArgumentError("It takes a duration such as 250ms, 25s, 5m or 24h.");
}
