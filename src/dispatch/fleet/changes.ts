import type { Clock } from "../../observe/mod.ts";
import { type AbortEvents, onAbort } from "../../values/mod.ts";

/** Wakes those that wait for the next change of a fleet. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has changed. */
  notify(): void {
    for (const resolve of this.#waiting) resolve();
  }

  /** Resolves at the next change, or when `signal` aborts or `timeoutMs` are over. */
  async next(signal?: AbortEvents, timeoutMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    using _aborted = onAbort(signal, wake);
    const timer = timeoutMs === undefined ? undefined : this.#clock.schedule(wake, timeoutMs);
    await promise;
    timer?.[Symbol.dispose]();
    this.#waiting.delete(wake);
  }
}
