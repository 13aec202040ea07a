import { messageTooLarge } from "./call_errors.ts";
import { declaredLength, ENVELOPE_BYTES, EnvelopeHead } from "./envelope.ts";
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
  /** How long the buffer of those is: asking for a buffer takes as long as making a view. */
  #pinnedBytes = 0;
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
    this.#pinnedBytes = bytes.buffer.byteLength;
    this.#at = 0;
  }

  /** Whether the piece that was pushed last has been read to its end. */
  get isDrained(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  /** Whether a large message has begun and not ended. */
  get isInLarge(): boolean {
    return this.#head.isWhole && this.#head.length >= LARGE_BYTES;
  }

  /**
   * Reads on in bytes that are only lent for the call, as far as large messages go, which are copied; the piece
   * that was pushed last has been read to its end.
   *
   * @param taken is given each message that is complete, and where it ends.
   * @returns where a small message begins, whose head has been read; else where the bytes end.
   * @throws {ConnectError} as `next`.
   */
  copy(
    bytes: Uint8Array,
    taken: (message: Uint8Array, flags: number, end: number) => void,
  ): number {
    const head = this.#head;
    let at = 0;
    for (;;) {
      if (!head.isWhole) {
        at = head.read(bytes, at);
        if (!head.isWhole) return at;
        if (head.length > this.#maxBytes) throw messageTooLarge(head.length, this.#maxBytes);
        if (head.length < LARGE_BYTES) return at;
      }
      const end = at + Math.min(head.length - this.#payload.length, bytes.byteLength - at);
      if (end === at) return at;
      this.#payload.copy(bytes.subarray(at, end), head.length);
      at = end;
      if (this.#payload.length < head.length) return at;
      head.reset();
      taken(this.#payload.take(), head.flags, at);
    }
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
    if (this.#payload.length === 0) return this.#keepable(start, this.#at);
    this.#payload.add(bytes.subarray(start, this.#at), head.length);
    return this.#payload.take();
  }

  /**
   * The next message, where all of it is in what was pushed last, it is small and has no flags; else nothing, and
   * nothing has changed: `next` tells what comes.
   */
  nextSmall(): Uint8Array | undefined {
    if (this.#head.hasBegun || this.#payload.length > 0) return undefined;
    const bytes = this.#bytes;
    const start = this.#at + ENVELOPE_BYTES;
    if (start > bytes.byteLength || bytes[this.#at] !== 0) return undefined;
    const length = declaredLength(bytes, this.#at);
    const end = start + length;
    if (length > SMALL_BYTES || length > this.#maxBytes || end > bytes.byteLength) return undefined;
    this.#at = end;
    return this.#keepable(start, end);
  }

  #keepable(start: number, end: number): Uint8Array {
    const pinned = this.#pinnedBytes;
    return pinned > SHARED_BYTES && (end - start) * MAX_PINNED_FACTOR < pinned
      ? this.#bytes.slice(start, end)
      : this.#bytes.subarray(start, end);
  }

  /** Forgets what has been received. */
  drop(): void {
    this.#payload.drop();
    this.#bytes = NO_BYTES;
    this.#at = 0;
  }
}

/** From here on a message is copied out of lent bytes by itself; smaller ones are copied together. */
const LARGE_BYTES = 1024;

/** Up to here a message is given ahead of the one that is read. */
const SMALL_BYTES = 128;

/** A view that keeps more than this many times its own size alive is copied, as the layer below does. */
const MAX_PINNED_FACTOR = 5;

/** What small messages may share: it stays as long as one of them is kept. */
export const SHARED_BYTES = 4096;
