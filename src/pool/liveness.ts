import type { Clock } from "../observe/mod.ts";

/** What a {@linkcode Liveness} is given. */
export interface LivenessOptions {
  /** How long a child may leave pings unanswered, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Sends a ping; fulfilled with its answer, pending for ever where there is none. */
  readonly ping: () => Promise<void>;
  /** Called once, when the child has been silent for the timeout. */
  readonly onSilent: (silentMs: number) => void;
}

/** Pings in the time of one timeout. */
const PINGS = 5;

/**
 * Pings a child, and notices when its event loop no longer answers. A child answers from its event loop
 * on purpose: one that is blocked takes no calls either.
 */
export class Liveness implements Disposable {
  readonly #options: LivenessOptions;
  readonly #intervalMs: number;
  #timer: Disposable | undefined;
  /** When the child was last known to answer. */
  #heardAt: number;
  /** When the next tick is due. */
  #dueAt = 0;
  #over = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#intervalMs = options.timeoutMs / PINGS;
    this.#heardAt = options.clock.steady();
    this.#ping();
  }

  #ping(): void {
    const { clock, ping } = this.#options;
    ping().then(() => this.#heardAt = clock.steady());
    this.#dueAt = clock.steady() + this.#intervalMs;
    this.#timer = clock.schedule(() => this.#tick(), this.#intervalMs, { background: true });
  }

  #tick(): void {
    if (this.#over) return;
    const { clock, timeoutMs, onSilent } = this.#options;
    const now = clock.steady();
    // This process was late itself (blocked, stopped, or the machine slept), and answers may wait to be
    // read: the clock starts anew.
    if (now - this.#dueAt >= this.#intervalMs) this.#heardAt = now;
    const silentMs = now - this.#heardAt;
    if (silentMs < timeoutMs) return this.#ping();
    this[Symbol.dispose]();
    onSilent(silentMs);
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
  }
}
