const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/**
 * How long something lasts or lasted, as an operator reads it: its two largest units, such as `3h 12m`, `1d 2h`,
 * `1m 30s` or `45s`; below a second milliseconds, `250ms`; from
 * 30 days on days alone. Rounded down.
 *
 * @param ms Milliseconds, not negative.
 */
export function durationText(ms: number): string {
  const at = UNITS.findIndex(([, length]) => ms >= length);
  if (at < 0) return ms < 1 ? "0s" : `${Math.floor(ms)}ms`;
  const [unit, length] = UNITS[at]!;
  const whole = `${Math.floor(ms / length)}${unit}`;
  // Of a month or more nobody reads the hours.
  const smaller = ms >= 30 * 86_400_000 ? undefined : UNITS[at + 1];
  const rest = smaller === undefined ? 0 : Math.floor(ms % length / smaller[1]);
  return rest === 0 ? whole : `${whole} ${rest}${smaller![0]}`;
}
