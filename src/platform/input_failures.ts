/** The errors with which reading the input of a call has failed. */
const failures = new WeakSet<object>();

/** Notes an error with which reading the input of a call fails. */
export function noteInputFailure(error: unknown): void {
  if (typeof error === "object" && error !== null) failures.add(error);
}

/**
 * Whether it is an error with which reading the input of a call has failed: what a caller sends or leaves unsent. A loop
 * over the input that runs beside a routine, and that nothing awaits, fails with it, and no caller may end the process of
 * its worker by that.
 */
export function isInputFailure(error: unknown): boolean {
  return typeof error === "object" && error !== null && failures.has(error);
}
