import { type GatherBudget, processBudget } from "./gather_budget.ts";
import { youngBuffers } from "../../platform/mod.ts";
import { freeBuffer, NO_BYTES } from "../../values/mod.ts";

/**
 * Bytes gathered until they are a whole message. While most of the budget is free they take the length that was
 * promised, in one buffer from the start; else at most twice their number and a KiB, whatever the size of the pieces
 * they come in and whatever was promised.
 */
export class Gathered {
  #length = 0;
  /** The first piece as it came, while it is the only one; after that, a buffer that grows. */
  #bytes: Uint8Array = NO_BYTES;
  /** The size of the buffer; 0 while there is none. */
  #spent = 0;
  readonly #budget: GatherBudget;

  /** @param budget what it takes is taken of this. Default: the budget of the process. */
  constructor(budget: GatherBudget = processBudget) {
    this.#budget = budget;
  }

  /** How many bytes were gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds bytes to the end.
   *
   * @param wholeBytes how many there will be, as far as the peer is to be believed. Default: not known.
   * @throws {ConnectError} `ResourceExhausted` where all messages together take too much.
   */
  add(bytes: Uint8Array, wholeBytes = Infinity): void {
    const length = this.#length + bytes.byteLength;
    if (this.#length === 0) this.#bytes = bytes;
    else {
      if (length > this.#bytes.byteLength || this.#spent === 0) this.#grow(length, wholeBytes);
      this.#bytes.set(bytes, this.#length);
    }
    this.#length = length;
  }

  /** As {@linkcode Gathered.add}, with bytes that are only lent for the call. */
  copy(bytes: Uint8Array, wholeBytes = Infinity): void {
    const length = this.#length + bytes.byteLength;
    if (length > this.#bytes.byteLength || this.#spent === 0) this.#grow(length, wholeBytes);
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /** Lets go of the chunk that a first piece may be a small part of. */
  compact(): void {
    if (this.#spent === 0 && this.#length > 0) this.#grow(this.#length, this.#length);
  }

  /** The bytes gathered; there are none afterwards. */
  take(): Uint8Array {
    const bytes = this.#length === this.#bytes.byteLength
      ? this.#bytes
      : this.#bytes.subarray(0, this.#length);
    if (this.#spent > 0) youngBuffers.handedOut(this.#spent);
    this.#forget();
    return bytes;
  }

  /** Forgets the bytes gathered, and frees what they took. */
  drop(): void {
    const own = this.#spent > 0 ? this.#bytes : undefined;
    this.#forget();
    if (own !== undefined) freeBuffer(own);
  }

  #forget(): void {
    this.#spend(0);
    this.#bytes = NO_BYTES;
    this.#length = 0;
  }

  #grow(length: number, wholeBytes: number): void {
    // The KiB more lets a message of two equal halves, and its envelope, take its room at once.
    const roomy = Math.min(2 * length, length + GROWTH_BYTES) + ROOM_BYTES;
    const isFree = this.#budget.isMostlyFree(wholeBytes);
    const capacity = Math.max(length, isFree ? wholeBytes : Math.min(roomy, wholeBytes));
    const outgrown = this.#spent > 0 ? this.#bytes : undefined;
    this.#spend(capacity);
    const bytes = new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    if (outgrown !== undefined) freeBuffer(outgrown);
  }

  #spend(capacity: number): void {
    this.#budget.change(this.#spent, capacity);
    this.#spent = capacity;
  }
}

/** Where it is not known how many there will be, there is room for these. */
const ROOM_BYTES = 1024;
/** From 1 MiB on a buffer grows by a mebibyte at a time. */
const GROWTH_BYTES = 1024 * 1024;

/**
 * How many bytes to expect of a body whose length may be announced: no more than are taken.
 *
 * @param announced What its peer says; `undefined` where it does not.
 * @param mostBytes How many are taken.
 */
export function expectedBytes(announced: number | undefined, mostBytes: number): number {
  return announced === undefined ? Infinity : Math.min(announced, mostBytes);
}
