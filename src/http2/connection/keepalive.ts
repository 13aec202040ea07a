import { KeepaliveTimeout } from "./keepalive_timeout.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Http2Limits } from "../limits.ts";
import type { Pings } from "./pings.ts";

/** Asks a silent peer whether it is there. */
export class Keepalive {
  readonly #idleMs: number;
  readonly #timeoutMs: number;
  readonly #deadlines: Deadlines;
  readonly #pings: Pings;
  readonly #clock: () => number;
  readonly #lost: (error: Error) => void;
  #heardAt: number;

  /** @param lost called when the peer does not answer. */
  constructor(
    limits: Http2Limits,
    deadlines: Deadlines,
    pings: Pings,
    clock: () => number,
    lost: (error: Error) => void,
  ) {
    this.#idleMs = limits.keepaliveIdleMs;
    this.#timeoutMs = limits.keepaliveTimeoutMs;
    this.#deadlines = deadlines;
    this.#pings = pings;
    this.#clock = clock;
    this.#lost = lost;
    this.#heardAt = clock();
  }

  /** Begins to watch. */
  start(): void {
    this.#awaitSilence(this.#idleMs);
  }

  /** A whole frame arrived; less than that is no sign of life. */
  heard(): void {
    this.#heardAt = this.#clock();
  }

  #awaitSilence(delayMs: number): void {
    this.#deadlines.set("keepalive", delayMs, () => {
      const silentMs = this.#clock() - this.#heardAt;
      if (silentMs < this.#idleMs) return this.#awaitSilence(this.#idleMs - silentMs);
      this.#pings.send(() => {
        this.#deadlines.clear("pong");
        this.#awaitSilence(this.#idleMs);
      });
      this.#awaitAnswer();
    });
  }

  #awaitAnswer(): void {
    this.#deadlines.set("pong", this.#timeoutMs, () => {
      // What came instead, ahead of the answer, shows as well that the peer is there.
      if (this.#clock() - this.#heardAt < this.#timeoutMs) return this.#awaitAnswer();
      this.#lost(new KeepaliveTimeout(this.#timeoutMs));
    });
  }
}
