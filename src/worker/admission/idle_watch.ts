import type { Clock } from "../../observe/mod.ts";

/** What an {@linkcode IdleWatch} is given. */
export interface IdleWatchOptions {
  /** How long the worker has been without a call, in seconds. */
  readonly idleSeconds: () => number;
  /** How long it must be, in milliseconds. */
  readonly afterMs: number;
  readonly clock: Clock;
  /** Called once for each time that it has been idle for so long. */
  readonly onIdle: (idleSeconds: number) => void;
}

/** Notices that a worker has nothing to do, with one timer and nothing at the calls. */
export class IdleWatch implements Disposable {
  readonly #options: IdleWatchOptions;
  #timer: Disposable;
  /** What was reported of this time without a call. */
  #reported: number | undefined;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
    this.#timer = this.#after(options.afterMs);
  }

  #after(delayMs: number): Disposable {
    return this.#options.clock.schedule(() => this.#check(), delayMs, { background: true });
  }

  #check(): void {
    const { idleSeconds, afterMs, onIdle } = this.#options;
    const seconds = idleSeconds();
    const leftMs = afterMs - seconds * 1_000;
    // Without a call in between, it grows.
    if (this.#reported !== undefined && seconds <= this.#reported) this.#reported = undefined;
    if (leftMs <= 0) {
      if (this.#reported === undefined) onIdle(seconds);
      this.#reported = seconds;
    }
    this.#timer = this.#after(leftMs > 0 ? leftMs : afterMs);
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }
}
