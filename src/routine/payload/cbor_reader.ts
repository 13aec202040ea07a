import {
  BREAK,
  BYTES,
  FLOAT16,
  FLOAT32,
  INDEFINITE,
  SELF_DESCRIBED,
  TEXT,
  TWO_TO_32,
} from "./cbor_format.ts";
import { Malformed } from "./faults.ts";

/** Up to here a loop over characters is faster than the platform's decoder. */
const SHORT_TEXT = 24;
const TWO_TO_16 = 2 ** 16;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Byte strings of this size are handed out as they came, where their buffer holds next to nothing else: */
const UNCOPIED_BYTES = 4096;
/** so many bytes, or this part of theirs: the rest of the message that they came in. */
const UNCOPIED_REST_BYTES = 32;
const UNCOPIED_REST_PART = 1 / 64;
/** So many empty byte strings of a payload have a buffer of their own each. */
const OWN_EMPTIES = 256;

/**
 * Reads heads, numbers and strings of CBOR, one after the other. Its methods take the lower five bits of a head
 * that was read (RFC 8949 §3) and throw {@linkcode Malformed}.
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #dataView: DataView | undefined;
  #empties = 0;
  #sharedEmpty: ArrayBuffer | undefined;

  /** Begins at the first byte, or after the tag that says that CBOR follows. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    if (SELF_DESCRIBED.every((byte, i) => bytes[i] === byte)) this.#at = SELF_DESCRIBED.length;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  /** Whether all bytes were read. */
  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The major type of the head that comes next. */
  get nextMajor(): number {
    return (this.#bytes[this.#at] ?? 0) >> 5;
  }

  /** The number behind a head of `FLOAT16`, `FLOAT32` or `FLOAT64`. */
  float(head: number): number {
    if (head === FLOAT16) return halfPrecision(this.#uint16(this.#advance(2)));
    if (head === FLOAT32) return this.#view.getFloat32(this.#advance(4));
    return this.#view.getFloat64(this.#advance(8));
  }

  /** A negative integer (major type 1). */
  negative(info: number): number | bigint {
    const value = this.unsigned(info);
    return typeof value === "number" ? -1 - value : -1n - value;
  }

  /** An unsigned integer (major type 0). */
  unsigned(info: number): number | bigint {
    if (info === 27) {
      const value = this.#view.getBigUint64(this.#advance(8));
      return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    }
    return this.length(info);
  }

  /**
   * A byte string, copied: a part of the bytes would keep all of them alive. Not where it is large and
   * all that its buffer holds, but for a few bytes around it: it would be copied for nothing.
   */
  binary(info: number): Uint8Array {
    if (info === INDEFINITE) return new Uint8Array(this.#chunks(BYTES));
    const length = this.count(info, 1);
    if (length === 0) return this.#noBytes();
    const start = this.#advance(length);
    const part = this.#bytes.subarray(start, start + length);
    const rest = Math.max(UNCOPIED_REST_BYTES, length * UNCOPIED_REST_PART);
    const fillsBuffer = length >= UNCOPIED_BYTES && part.buffer.byteLength - length <= rest;
    return fillsBuffer ? part : new Uint8Array(part);
  }

  /**
   * A buffer of its own takes thirty times what reading another byte does: beyond some, empty byte strings share one.
   */
  #noBytes(): Uint8Array {
    if (this.#empties++ < OWN_EMPTIES) return new Uint8Array(0);
    return new Uint8Array(this.#sharedEmpty ??= new ArrayBuffer(0));
  }

  /** A text, which is UTF-8. */
  text(info: number): string {
    if (info === INDEFINITE) return this.#utf8(new Uint8Array(this.#chunks(TEXT)));
    const length = this.count(info, 1);
    const start = this.#advance(length);
    if (length > SHORT_TEXT) return this.#utf8(this.#bytes.subarray(start, start + length));
    let text = "";
    for (let at = start; at < start + length; at++) {
      const byte = this.#bytes[at] as number;
      if (byte > 0x7f) return this.#utf8(this.#bytes.subarray(start, start + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #utf8(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.malformed("has a text that is not UTF-8");
    }
  }

  /** The chunks of an indefinite length, each of the string's own type (RFC 8949 §3.2.3). */
  #chunks(major: number): number[] {
    const bytes: number[] = [];
    while (!this.ended()) {
      const length = this.count(this.expect(major, "a chunk of its string"), 1);
      const start = this.#advance(length);
      for (let at = start; at < start + length; at++) bytes.push(this.#bytes[at] as number);
    }
    return bytes;
  }

  /** The rest of a head that has to be of a major type. */
  expect(major: number, what: string): number {
    const head = this.byte();
    if (head >> 5 !== major) throw this.malformed(`lacks ${what} where there should be one`);
    return head & 0x1f;
  }

  /** Whether a value of indefinite length ends here; its end is passed over. */
  ended(): boolean {
    if (this.#bytes[this.#at] !== BREAK) return false;
    this.#at++;
    return true;
  }

  /** A length that cannot be more than what is there, given the least that each member takes. */
  count(info: number, bytesEach: number): number {
    const length = info < 24 ? info : this.length(info);
    if (length * bytesEach > this.#bytes.length - this.#at) throw this.#torn();
    return length;
  }

  /** The number that a head announces. */
  length(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.byte();
      case 25:
        return this.#uint16(this.#advance(2));
      case 26:
        return this.#uint16(this.#advance(4)) * TWO_TO_16 + this.#uint16(this.#at - 2);
      case 27: {
        const at = this.#advance(8);
        return this.#view.getUint32(at) * TWO_TO_32 + this.#view.getUint32(at + 4);
      }
      default:
        throw this.malformed("has a length in a form that is not used");
    }
  }

  /** The next byte. */
  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#torn();
    this.#at++;
    return byte;
  }

  #advance(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw this.#torn();
    this.#at += count;
    return at;
  }

  /** Without a `DataView`, which is an object of its own for each message. */
  #uint16(at: number): number {
    return this.#bytes[at]! << 8 | this.#bytes[at + 1]!;
  }

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return this.#dataView ??= new DataView(buffer, byteOffset, byteLength);
  }

  #torn(): Malformed {
    return this.malformed("ends in the middle");
  }

  /** What is thrown for bytes that are no value of ours: `what` is wrong, and where. */
  malformed(what: string): Malformed {
    return new Malformed(`${what}, at byte ${this.#at}`);
  }
}

/** RFC 8949 appendix D. */
function halfPrecision(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude = exponent === 0
    ? fraction * 2 ** -24
    : exponent === 31
    ? (fraction === 0 ? Infinity : NaN)
    : (fraction + 1024) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}
