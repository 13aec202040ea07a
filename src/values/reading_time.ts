/**
 * Fast path: the time by `performance.now()`, read once for all that is read together. What was read at once has
 * arrived at once, and reading the clock for each call of it took 3 to 6 % of both ends
 * (`docs/performance-changes.md`). Outside of {@linkcode readTogether} each asks the clock.
 */
let isReading = false;
let isKnown = false;
let arrivedAt = 0;

/** Runs what works on bytes that arrived together: within it {@linkcode readingTime} stands still. */
export function readTogether(read: () => void): void {
  isReading = true;
  isKnown = false;
  try {
    read();
  } finally {
    isReading = false;
  }
}

/** When what is being read has arrived, or else now, by `performance.now()`. */
export function readingTime(): number {
  if (isReading && isKnown) return arrivedAt;
  isKnown = true;
  return arrivedAt = performance.now();
}
