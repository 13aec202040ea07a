/** Octets as TLS writes and reads them (RFC 8446 §3). */

/** Bytes that WebCrypto takes. */
export type Octets = Uint8Array<ArrayBuffer>;

/** A big-endian number of `size` octets. */
export function uint(value: number, size: 1 | 2 | 3): Octets {
  const octets = new Uint8Array(size);
  for (let at = size - 1, rest = value; at >= 0; at--, rest >>>= 8) octets[at] = rest & 0xff;
  return octets;
}

/** All parts, one behind the other. */
export function joined(...parts: readonly Uint8Array[]): Octets {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** A vector whose length is written in `size` octets before it (RFC 8446 §3.4). */
export function vector(size: 1 | 2 | 3, ...contents: readonly Uint8Array[]): Octets {
  const content = joined(...contents);
  return joined(uint(content.length, size), content);
}

/** ASCII text. */
export function ascii(text: string): Octets {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Reads numbers and vectors one behind the other. */
export class OctetReader {
  readonly #octets: Uint8Array;
  #at = 0;

  /** Begins at the first octet. */
  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** Whether all was read. */
  get done(): boolean {
    return this.#at === this.#octets.length;
  }

  /** The next number, of `size` octets. */
  uint(size: number): number {
    return this.take(size).reduce((value, octet) => value * 256 + octet, 0);
  }

  /** The contents of the next vector. */
  vector(size: 1 | 2 | 3): Octets {
    return this.take(this.uint(size));
  }

  /** The next octets. */
  take(count: number): Octets {
    const end = this.#at + count;
    if (end > this.#octets.length) throw new RangeError("a TLS message is cut short");
    const taken = this.#octets.slice(this.#at, end);
    this.#at = end;
    return taken;
  }
}
