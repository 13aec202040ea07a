/** A signature check that a verdict waits for. */
export interface Check {
  /** Makes it at once. @returns whether the signature holds. */
  atOnce(): boolean;
  /** Makes it where it costs least: at once, or beside the event loop. Never rejects. */
  soon(): boolean | Promise<boolean>;
}

/** A decision in steps: each ends at a check, and the next begins with its outcome. */
export type Steps<T> = Generator<Check, T, boolean>;

/** Takes all steps at once. */
export function decidedAtOnce<T>(steps: Steps<T>): T {
  let step = steps.next(false);
  while (!step.done) step = steps.next(step.value.atOnce());
  return step.value;
}
