import type { Clock } from "../../observe/mod.ts";

/** What a {@linkcode Quiet} is given. */
export interface QuietOptions {
  /** A change is read once nothing has changed for so long, in milliseconds. */
  readonly debounceMs: number;
  /** What keeps changing is read after so long all the same, in milliseconds. */
  readonly patienceMs: number;
  readonly clock: Clock;
}

/** Waits until what changes is quiet, but not for ever: what keeps changing must be read, too. */
export class Quiet {
  readonly #options: QuietOptions;
  /** When the change that is being waited out began, by the steady time. */
  #since: number | undefined;

  /** Nothing has changed yet. */
  constructor(options: QuietOptions) {
    this.#options = options;
  }

  /** Something has changed. @returns how long to wait before it is read, in milliseconds. */
  changed(): number {
    const { clock, debounceMs, patienceMs } = this.#options;
    const now = clock.steady();
    this.#since ??= now;
    return Math.min(debounceMs, Math.max(this.#since + patienceMs - now, 0));
  }

  /** It is being read: the next change is another one. */
  reading(): void {
    this.#since = undefined;
  }
}
