import { InvalidPayload } from "../../errors/mod.ts";

/** The wire types of protobuf that are in use. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const FIXED32 = 5;

/** Reads the fields of one protobuf message, in the order they were written. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  #field = 0;
  #wireType = VARINT;

  /** What it hands out are plain views: `slice()` of a `Buffer` would not copy. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.constructor === Uint8Array
      ? bytes
      : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Goes to the next field, whose number it returns; 0 where there is none. */
  next(): number {
    if (this.#at === this.#end) return 0;
    const tag = this.#varint();
    this.#field = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.#field === 0) throw malformed("has a field without a number");
    return this.#field;
  }

  /** Whether the current field has this wire type; one of another type is passed over. */
  is(wireType: number): boolean {
    if (this.#wireType === wireType) return true;
    this.skip();
    return false;
  }

  /** The current field as an unsigned number of 32 bits. */
  uint32(): number {
    return this.#varint();
  }

  /** The current field as text. */
  text(): string {
    const start = this.#delimited();
    const length = this.#at - start;
    const codes = shortTexts[length];
    if (codes === undefined) return utf8Text(this.#bytes.subarray(start, this.#at));
    for (let at = 0; at < length; at++) {
      const byte = this.#bytes[start + at] as number;
      if (byte > 0x7f) return utf8Text(this.#bytes.subarray(start, this.#at));
      codes[at] = byte;
    }
    return String.fromCharCode.apply(null, codes);
  }

  /** The current field as bytes, which belong to the message. */
  bytes(): Uint8Array {
    const start = this.#delimited();
    return this.#bytes.subarray(start, this.#at);
  }

  /** Reads the current field as a message of its own. */
  message<T>(read: (reader: FieldReader) => T): T {
    const start = this.#delimited();
    const [outerAt, outerEnd] = [this.#at, this.#end];
    [this.#at, this.#end] = [start, outerAt];
    const value = read(this);
    [this.#at, this.#end] = [outerAt, outerEnd];
    return value;
  }

  /** Passes over the current field. */
  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case DELIMITED:
        this.#delimited();
        return;
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw malformed(`has the wire type ${this.#wireType}, which is not in use`);
    }
  }

  /** Goes past a delimited field and returns where it begins; it ends where the reader is now. */
  #delimited(): number {
    const length = this.#varint();
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw malformed("ends in the middle");
    this.#at += count;
  }

  /** The low 32 bits of a varint, which may be ten bytes long. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at === this.#end) throw malformed("ends in the middle");
      const byte = this.#bytes[this.#at++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed("has a number that does not end");
  }
}

const SHORT_TEXT = 32;
/** Characters of a short text, by its length: one text added to another for each would be 25 bytes a character. */
const shortTexts = Array.from(
  { length: SHORT_TEXT + 1 },
  (_, length) => Array<number>(length).fill(0),
);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed("has a text that is not UTF-8");
  }
}

function malformed(what: string): InvalidPayload {
  return new InvalidPayload(`the call's message ${what}`);
}
