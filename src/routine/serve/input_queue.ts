import { InvalidPayload } from "../../errors/mod.ts";
import { type EncodedPayload, payloadLength } from "../payload/payload.ts";

/** The most items of a caller's stream that are kept unread. */
const MAX_ITEMS = 1_024;
/** The most bytes of them. */
const MAX_BYTES = 8 * 1024 * 1024;
/** So many are kept whatever there is room for, and are not counted. */
const FREE_BYTES = 64 * 1024;

/** What all streams of a peer keep unread, counted together with what its connections hold. */
export interface UnreadBytes {
  /** Counts bytes that are kept from now on (or, below 0, no longer). */
  add(bytes: number): void;
  /** Whether the peer may have more of them kept. */
  hasRoom(): boolean;
}

/** What a caller sends to a routine. */
export interface RoutineInput extends AsyncIterable<EncodedPayload> {
  /** The next item, for the one reader of the input; nothing where only iterating tells. Default: iterating always does. */
  take?(): EncodedPayload | undefined;
  /** What {@linkcode take} gives after so many more, which stays; nothing where that is not known. Default: it never is. */
  at?(index: number): EncodedPayload | undefined;
}

/** What a caller sent that the routine has not asked for yet. */
export class InputQueue implements RoutineInput {
  readonly #items: EncodedPayload[] = [];
  readonly #onRead: () => void;
  readonly #unread: UnreadBytes | undefined;
  #bytes = 0;
  #end: { readonly error?: unknown } | undefined;
  #arrived: (() => void) | undefined;
  #drained: (() => void) | undefined;

  /**
   * @param onRead Called whenever the routine has taken an item.
   * @param unread What is kept beyond 64 KiB is counted here. Default: nowhere.
   */
  constructor(onRead: () => void, unread?: UnreadBytes) {
    this.#onRead = onRead;
    this.#unread = unread;
  }

  /**
   * Adds an item.
   *
   * @returns Nothing where there is room for another; else what resolves once there is: what waits is not read on.
   * @throws {InvalidPayload} after the end, where nothing would bound what is kept.
   */
  put(item: EncodedPayload): Promise<void> | undefined {
    if (this.#end !== undefined) {
      throw new InvalidPayload("an item after the end of the caller's stream");
    }
    this.#items.push(item);
    this.#count(payloadLength(item));
    this.#announce();
    return this.#isFull ? this.#untilDrained() : undefined;
  }

  /** The next item; nothing where it is not there, or there are no more. */
  take(): EncodedPayload | undefined {
    const item = this.#items.shift();
    if (item === undefined) return undefined;
    this.#count(-payloadLength(item));
    this.#release();
    this.#onRead();
    return item;
  }

  /** An item that is there, by how many come before it; it stays. */
  at(index: number): EncodedPayload | undefined {
    return this.#items[index];
  }

  /** There are no more; with an error, what is left is dropped and reading throws it. */
  end(...error: [] | [unknown]): void {
    if (this.#end !== undefined) return;
    if (error.length > 0) this.#drop();
    this.#end = error.length > 0 ? { error: error[0] } : {};
    this.#announce();
    this.#release();
  }

  /** The routine is left: what it has not read is dropped, and reading on throws. */
  cutOff(error: unknown): void {
    if (this.#end !== undefined && this.#items.length === 0) return;
    this.#drop();
    this.#end = { error };
    this.#announce();
    this.#release();
  }

  /** Nobody reads any more: what is left is dropped. */
  abandon(): void {
    this.#drop();
    this.end();
  }

  /** The items, as the routine asks for them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<EncodedPayload, void, undefined> {
    for (;;) {
      const item = this.take();
      if (item !== undefined) yield item;
      else if (this.#end === undefined) {
        await new Promise<void>((resolve) => this.#arrived = resolve);
      } else {
        if ("error" in this.#end) throw this.#end.error;
        return;
      }
    }
  }

  async #untilDrained(): Promise<void> {
    while (this.#isFull) await new Promise<void>((resolve) => this.#drained = resolve);
  }

  /** Whether an item has to wait for room. */
  get #isFull(): boolean {
    return this.#end === undefined &&
      (this.#items.length >= MAX_ITEMS || this.#bytes > MAX_BYTES ||
        this.#bytes > FREE_BYTES && this.#unread?.hasRoom() === false);
  }

  /** Once: calling it again with each item, to no effect, takes a tenth of what a small one does. */
  #announce(): void {
    const arrived = this.#arrived;
    if (arrived === undefined) return;
    this.#arrived = undefined;
    arrived();
  }

  #release(): void {
    const drained = this.#drained;
    if (drained === undefined) return;
    this.#drained = undefined;
    drained();
  }

  #drop(): void {
    this.#items.length = 0;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    const before = Math.max(this.#bytes, FREE_BYTES);
    this.#bytes += bytes;
    const counted = Math.max(this.#bytes, FREE_BYTES) - before;
    if (counted !== 0) this.#unread?.add(counted);
  }
}
