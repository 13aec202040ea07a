/** What a call asks of its worker. */
export interface Wanted {
  /** Calls of one affinity go to one worker while it is there. */
  readonly affinity?: string | undefined;
  /** The worker carries all of these. */
  readonly tags?: readonly string[] | undefined;
  /** The version of the routine that the caller has: workers that list it are preferred to those that list others. */
  readonly version?: string | undefined;
}
