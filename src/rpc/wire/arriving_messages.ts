/**
 * Fast path: a large message of a stream is gathered as its frames arrive, in a buffer of its own, and what the
 * frames were read into is free at once. Waiting for a collection, such buffers were half of what an item of
 * 64 KiB cost the end that receives it; see `docs/performance-changes.md`. The plain path is that of small messages,
 * which are cut out of the body when they are read; `arriving_messages_test.ts` runs the same bodies through both.
 */
import { EnvelopeSplitter, SHARED_BYTES } from "./envelope_splitter.ts";
import type { GatherBudget } from "./gather_budget.ts";

/**
 * The messages of a body that arrives. Credit returns to the peer as messages are read, and that for parts of a
 * message once the reader waits for it: a reader that does not read stops the writer.
 */
export class ArrivingMessages {
  /** The flags of the message that was given last. */
  flags = 0;
  readonly #splitter: EnvelopeSplitter;
  readonly #release: (count: number) => void;
  /** Messages that were gathered as they arrived; they come before the pieces. */
  readonly #gathered: GatheredMessage[] = [];
  /** What has arrived of the body and was not cut. */
  readonly #pieces: Uint8Array[] = [];
  /** Bytes of the message that is being gathered for which the peer has no credit. */
  #owed = 0;
  /** The reader waits for a message. */
  #isAwaited = false;
  /** What is wrong with the body behind the messages that were gathered. */
  #fault: { readonly error: unknown } | undefined;

  /**
   * @param maxBytes the largest message.
   * @param release gives the peer credit for that many bytes.
   * @param budget what messages in pieces may take. Default: the budget of the process.
   */
  constructor(maxBytes: number, release: (count: number) => void, budget?: GatherBudget) {
    this.#splitter = new EnvelopeSplitter(maxBytes, budget);
    this.#release = release;
  }

  /** Whether an envelope has begun and not ended in what was read. */
  get isTorn(): boolean {
    return this.#splitter.isTorn;
  }

  /** Bytes for which the peer has no credit. */
  get heldBytes(): number {
    let held = this.#owed;
    for (const { owed } of this.#gathered) held += owed;
    for (const { byteLength } of this.#pieces) held += byteLength;
    return held;
  }

  /** Bytes arrived, which may be kept. */
  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    // The last frame of a large message is often a small one: kept, it would have those behind it copied twice.
    if (this.#splitter.isInLarge && this.#gathers) this.lend(bytes);
    else this.#pieces.push(bytes);
  }

  /** Bytes arrived, which are only lent for the call. */
  lend(bytes: Uint8Array): void {
    if (!this.#gathers) return this.#pushCopy(bytes, 0);
    let paidTo = 0;
    try {
      const end = this.#splitter.copy(bytes, (message, flags, at) => {
        this.#gathered.push({ message, flags, owed: this.#owed + at - paidTo });
        this.#owed = 0;
        paidTo = at;
      });
      this.#owed += end - paidTo;
      this.#pushCopy(bytes, end);
    } catch (error) {
      this.#fault = { error };
      this.#owed += bytes.byteLength - paidTo;
      // What has arrived of the message is of no use, and nobody may come to read that.
      this.#splitter.drop();
    }
    if (this.#isAwaited && this.#gathered.length === 0) this.#payOwed();
  }

  /**
   * The next message; `undefined` where more of the body is needed for it.
   *
   * @throws {ConnectError} `ResourceExhausted` where one declares more than it may, or all that are
   * being received take too much.
   */
  next(): Uint8Array | undefined {
    this.#isAwaited = false;
    const gathered = this.#gathered.shift();
    if (gathered !== undefined) {
      this.flags = gathered.flags;
      this.#pay(gathered.owed);
      return gathered.message;
    }
    this.#payOwed();
    if (this.#fault !== undefined) throw this.#fault.error;
    for (;;) {
      const message = this.#splitter.next();
      if (message !== undefined) {
        this.flags = this.#splitter.flags;
        return message;
      }
      const piece = this.#pieces.shift();
      if (piece === undefined) break;
      this.#release(piece.byteLength);
      this.#splitter.push(piece);
    }
    this.#isAwaited = true;
    return undefined;
  }

  /** As {@linkcode EnvelopeSplitter.nextSmall}: the bytes of such a message have been released before. */
  nextSmall(): Uint8Array | undefined {
    return this.#gathered.length === 0 ? this.#splitter.nextSmall() : undefined;
  }

  /** Forgets what has been received, and gives the peer credit for it. */
  drop(): void {
    const held = this.heldBytes;
    this.#gathered.length = this.#pieces.length = this.#owed = 0;
    this.#splitter.drop();
    this.#pay(held);
  }

  /** Whether nothing waits before what arrives. */
  get #gathers(): boolean {
    return this.#pieces.length === 0 && this.#fault === undefined && this.#splitter.isDrained;
  }

  #pushCopy(bytes: Uint8Array, from: number): void {
    for (; from < bytes.byteLength; from += SHARED_BYTES) {
      this.#pieces.push(bytes.slice(from, from + SHARED_BYTES));
    }
  }

  #payOwed(): void {
    const owed = this.#owed;
    this.#owed = 0;
    this.#pay(owed);
  }

  #pay(count: number): void {
    if (count > 0) this.#release(count);
  }
}

/** A message that is complete. */
interface GatheredMessage {
  readonly message: Uint8Array;
  readonly flags: number;
  /** Bytes that arrived with it for which the peer has no credit. */
  readonly owed: number;
}
