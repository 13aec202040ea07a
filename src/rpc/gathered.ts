import { Code, ConnectError } from "@connectrpc/connect";

/** What all messages that are being received may take together, beyond the first 64 KiB of each: 256 MiB. */
const BUDGET_BYTES = 256 * 1024 * 1024;
const FREE_BYTES = 64 * 1024;

let spentBytes = 0;

/**
 * Bytes gathered until they are a whole message. They take at most twice their number, whatever the
 * size of the pieces they come in and whatever length was promised.
 */
export class Gathered {
  #length = 0;
  /** The first piece as it came, while it is the only one; after that, a buffer that grows. */
  #bytes: Uint8Array = EMPTY;
  #spent = 0;

  /** How many bytes were gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds bytes to the end.
   *
   * @throws {ConnectError} `ResourceExhausted` where all messages together take too much.
   */
  add(bytes: Uint8Array): void {
    const length = this.#length + bytes.byteLength;
    if (this.#length === 0) this.#bytes = bytes;
    else {
      if (length > this.#bytes.byteLength || this.#spent === 0) this.#grow(length);
      this.#bytes.set(bytes, this.#length);
    }
    this.#length = length;
  }

  /** Lets go of the chunk that a first piece may be a small part of. */
  compact(): void {
    if (this.#spent === 0 && this.#length > 0) this.#grow(this.#length);
  }

  /** The bytes gathered; there are none afterwards. */
  take(): Uint8Array {
    const bytes = this.#length === this.#bytes.byteLength
      ? this.#bytes
      : this.#bytes.subarray(0, this.#length);
    this.drop();
    return bytes;
  }

  /** Forgets the bytes gathered. */
  drop(): void {
    this.#spend(0);
    this.#bytes = EMPTY;
    this.#length = 0;
  }

  #grow(length: number): void {
    const capacity = Math.max(length, Math.min(2 * length, length + GROWTH_BYTES), 1024);
    this.#spend(capacity);
    const bytes = new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }

  #spend(capacity: number): void {
    spentBytes += Math.max(capacity - FREE_BYTES, 0) - Math.max(this.#spent - FREE_BYTES, 0);
    this.#spent = capacity;
    if (capacity > FREE_BYTES && spentBytes > BUDGET_BYTES) {
      throw new ConnectError(
        "too much is being received at once to take another large message",
        Code.ResourceExhausted,
      );
    }
  }
}

/** From 1 MiB on a buffer grows by a mebibyte at a time. */
const GROWTH_BYTES = 1024 * 1024;
const EMPTY = new Uint8Array(0);
