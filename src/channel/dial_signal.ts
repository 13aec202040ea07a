import type { AbortEvents } from "../values/mod.ts";

/** What ends an attempt early. */
export interface DialSignal {
  /** Our caller gave up. */
  readonly aborted?: AbortEvents | undefined;
  /** Time ran out. */
  readonly timeout: AbortEvents;
}
