import { Buffer } from "node:buffer";
import { allocate } from "../../values/mod.ts";
import { DELIMITED, VARINT } from "./field_reader.ts";

/**
 * Writes protobuf fields into bytes of exactly the size that the `…Size` functions below give, so
 * that a message is laid out once and never copied.
 */
export class FieldWriter {
  /** What was written. */
  readonly bytes: Uint8Array;
  #at = 0;

  /** @param bytes where to write. Default: new bytes of that size. */
  constructor(size: number, bytes: Uint8Array = allocate(size)) {
    this.bytes = bytes;
  }

  /** Writes a number of 32 bits. */
  uint32(field: number, value: number): void {
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
  }

  /** Writes text whose size in UTF-8 is known. */
  text(field: number, text: string, size: number): void {
    this.head(field, size);
    const bytes = this.bytes;
    let at = this.#at;
    this.#at += size;
    if (size !== text.length || size > SHORT_TEXT) {
      utf8.encodeInto(text, bytes.subarray(at, at + size));
      return;
    }
    for (let i = 0; i < size; i++) bytes[at++] = text.charCodeAt(i);
  }

  /** Writes bytes. */
  binary(field: number, bytes: Uint8Array): void {
    this.head(field, bytes.length);
    const length = bytes.length;
    if (length > SHORT_BYTES) this.bytes.set(bytes, this.#at);
    else {
      const out = this.bytes;
      const from = this.#at;
      for (let at = 0; at < length; at++) out[from + at] = bytes[at]!;
    }
    this.#at += length;
  }

  /** Begins a delimited field, whose content follows. */
  head(field: number, size: number): void {
    this.#varint((field << 3) | DELIMITED);
    this.#varint(size);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.#at++] = rest;
  }
}

/** Up to here a loop over bytes is faster than `set`. */
const SHORT_BYTES = 64;
const SHORT_TEXT = 48;
const utf8 = new TextEncoder();

/** How many bytes a text takes in UTF-8. */
export function textSize(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
}

/** How many bytes a delimited field takes, given its content's; fields below 16 only. */
export function delimitedSize(size: number): number {
  return 1 + varintSize(size) + size;
}

/** How many bytes a number takes as a field; fields below 16 only. */
export function uint32Size(value: number): number {
  return 1 + varintSize(value);
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
