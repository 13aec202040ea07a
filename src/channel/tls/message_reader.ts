/** Reads a TLS handshake message; every step throws a `RangeError` where the message ends before. */
export class MessageReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** Reads from the start of `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Reads a big-endian number. */
  number(octets: number): number {
    return this.take(octets).reduce((value, octet) => value * 256 + octet, 0);
  }

  /** Passes over bytes. */
  skip(octets: number): void {
    this.take(octets);
  }

  /** Reads bytes. */
  take(octets: number): Uint8Array {
    if (this.#at + octets > this.#bytes.length) throw new RangeError("the message is cut short");
    this.#at += octets;
    return this.#bytes.subarray(this.#at - octets, this.#at);
  }
}
