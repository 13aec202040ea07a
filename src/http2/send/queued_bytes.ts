import type { HeldBytes } from "../guard/byte_budget.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Http2Limits } from "../limits.ts";

/** What {@linkcode QueuedBytes} asks its connection and reports to it. */
export interface QueuedBytesHost {
  /** What the connection holds besides of received bytes. */
  received(): number;
  /** The connection holds more than it may. */
  exceeded(message: string): void;
}

/** DATA that a connection's streams have queued, and whether the peer takes any of it. */
export class QueuedBytes {
  /** Octets that wait. */
  bytes = 0;
  readonly #limits: Http2Limits;
  readonly #deadlines: Deadlines;
  readonly #budget: HeldBytes;
  readonly #host: QueuedBytesHost;
  /** Octets sent since the connection began, which shows whether anything moves. */
  #sent = 0;

  constructor(
    limits: Http2Limits,
    deadlines: Deadlines,
    budget: HeldBytes,
    host: QueuedBytesHost,
  ) {
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#budget = budget;
    this.#host = host;
  }

  /** A stream has queued this much. */
  add(bytes: number): void {
    if (bytes === 0) return;
    this.bytes += bytes;
    this.#budget.add(bytes);
    if (this.bytes > this.#limits.maxQueuedBytes) this.#watch();
    if (this.#budget.exceeds(this.bytes + this.#host.received())) {
      // Not from within the program's own call, whose stream would be closed under it.
      queueMicrotask(() => this.#host.exceeded("more than its share of the memory"));
    }
  }

  /** This much was sent. */
  sent(bytes: number): void {
    this.#sent += bytes;
    this.drop(bytes);
  }

  /** This much does not wait any more. */
  drop(bytes: number): void {
    this.bytes -= bytes;
    this.#budget.add(-bytes);
  }

  /** Ends the connection where much is queued and nothing of it moves. */
  #watch(): void {
    if (this.#deadlines.has("stall")) return;
    const sentBefore = this.#sent;
    this.#deadlines.set("stall", this.#limits.stallTimeoutMs, () => {
      if (this.bytes <= this.#limits.maxQueuedBytes) return;
      if (this.#sent !== sentBefore) return this.#watch();
      this.#host.exceeded("the peer gives no window for what it asked for");
    });
  }
}
