import { messageTooLarge } from "./call_errors.ts";
import { EnvelopeHead } from "./envelope.ts";
import type { GatherBudget } from "./gather_budget.ts";
import { Gathered } from "./gathered.ts";
import { NO_BYTES } from "../../values/mod.ts";

/**
 * Cuts a body into the messages of its envelopes, without a promise between two of them. What an
 * envelope declares takes no room before it has arrived.
 */
export class EnvelopeSplitter {
  readonly #maxBytes: number;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  readonly #head = new EnvelopeHead();
  /** The payload of an envelope that comes in pieces. */
  readonly #payload: Gathered;

  /**
   * @param maxBytes the largest message.
   * @param budget what messages in pieces may take. Default: the budget of the process.
   */
  constructor(maxBytes: number, budget?: GatherBudget) {
    this.#maxBytes = maxBytes;
    this.#payload = new Gathered(budget);
  }

  /** The flags of the message that was given last. */
  get flags(): number {
    return this.#head.flags;
  }

  /** Whether an envelope has begun and not ended. */
  get isTorn(): boolean {
    return this.#head.hasBegun;
  }

  /** The next piece of the body; the one before has been read to its end. */
  push(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /**
   * The next message; `undefined` where more of the body is needed for it.
   *
   * @throws {ConnectError} `ResourceExhausted` where one declares more than it may, or all that are
   * being received take too much.
   */
  next(): Uint8Array | undefined {
    const bytes = this.#bytes;
    const head = this.#head;
    if (!head.isWhole) {
      this.#at = head.read(bytes, this.#at);
      if (!head.isWhole) return undefined;
      if (head.length > this.#maxBytes) throw messageTooLarge(head.length, this.#maxBytes);
    }
    const missing = head.length - this.#payload.length;
    const start = this.#at;
    const left = bytes.byteLength - start;
    this.#at += Math.min(missing, left);
    if (left < missing) {
      if (left > 0) this.#payload.add(bytes.subarray(start), head.length);
      return undefined;
    }
    head.reset();
    if (this.#payload.length === 0) return keepable(bytes, start, this.#at);
    this.#payload.add(bytes.subarray(start, this.#at), head.length);
    return this.#payload.take();
  }

  /** Forgets what has been received. */
  drop(): void {
    this.#payload.drop();
    this.#bytes = NO_BYTES;
    this.#at = 0;
  }
}

/** A view that keeps more than this many times its own size alive is copied, as the layer below does. */
const MAX_PINNED_FACTOR = 5;

function keepable(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (end - start) * MAX_PINNED_FACTOR < bytes.byteLength
    ? bytes.slice(start, end)
    : bytes.subarray(start, end);
}
