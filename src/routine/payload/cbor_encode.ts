import { allocate } from "../../values/mod.ts";
import { allocateLarge } from "../headroom.ts";
import {
  ARRAY,
  BYTES,
  FALSE,
  FLOAT16,
  FLOAT32,
  FLOAT64,
  FORBIDDEN_KEY,
  MAP,
  NEGATIVE,
  NULL,
  TAG,
  TAG_BIGINT,
  TAG_DATE_EPOCH,
  TAG_MAP,
  TAG_NEGATIVE_BIGINT,
  TAG_SET,
  TEXT,
  TRUE,
  TWO_TO_32,
  UNDEFINED,
  UNSIGNED,
} from "./cbor_format.ts";
import { byteCount } from "./byte_count.ts";
import { encodeBytes, LOOPED_BYTES } from "./encode_bytes.ts";
import { TOO_LARGE, UNSENDABLE } from "./faults.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";
import { fromHex } from "../../platform/mod.ts";

/**
 * Writes a value as CBOR, in bytes that nothing else refers to.
 *
 * @param allocateSmall gives the bytes for a small one. Default: {@linkcode allocate}.
 * @throws {@linkcode UNSENDABLE}, {@linkcode TOO_LARGE}, and whatever a getter of the value throws.
 */
export function encodeCbor(
  value: unknown,
  maxDepth: number,
  limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS,
  allocateSmall: typeof allocate = allocate,
): Uint8Array {
  const written = value instanceof Uint8Array
    ? encodeBytes(value, limits, allocateSmall)
    : undefined;
  if (written !== undefined) return written;
  const encoder = idle ?? new Encoder();
  // A getter may write another value meanwhile.
  idle = undefined;
  try {
    return encoder.encode(value, maxDepth, limits, allocateSmall);
  } finally {
    idle = encoder;
  }
}

/** What an encoder keeps between two values. */
const KEPT_BYTES = 16 * 1024;
/** Beyond this it begins anew, so that one large value does not hold memory for good. */
const MOST_KEPT_BYTES = 256 * 1024;
/** From here on a byte string is not copied before the size of the whole is known. */
const LARGE_BYTES = 4096;
/** Up to here a loop over characters is faster than the platform's encoder. */
const SHORT_TEXT = 48;
const utf8 = new TextEncoder();

class Encoder {
  #bytes = new Uint8Array(KEPT_BYTES);
  #view = viewOf(this.#bytes);
  #at = 0;
  #maxBytes = 0;
  /** Large byte strings, which are copied once, when the size of the whole is known; and their bytes together. */
  #large: LargeBytes[] = [];
  #largeBytes = 0;
  /** How many more containers there may be. */
  #containers = 0;
  /** How many more entries there may be. */
  #entries = 0;

  encode(
    value: unknown,
    maxDepth: number,
    { bytes: maxBytes, containers, entries }: PayloadLimits,
    allocateSmall: typeof allocate,
  ): Uint8Array {
    this.#at = 0;
    this.#maxBytes = maxBytes;
    this.#containers = containers;
    this.#entries = entries;
    try {
      this.#value(value, maxDepth);
      const size = this.#at + this.#largeBytes;
      if (size > maxBytes) throw TOO_LARGE;
      const written = allocateLarge(size) ?? allocateSmall(size);
      this.#writeTo(written);
      return written;
    } finally {
      if (this.#largeBytes > 0) this.#forgetLarge();
      if (this.#bytes.length > MOST_KEPT_BYTES) this.#replaceBytes(new Uint8Array(KEPT_BYTES));
    }
  }

  #forgetLarge(): void {
    this.#large = [];
    this.#largeBytes = 0;
  }

  #writeTo(written: Uint8Array): void {
    if (written.length <= LOOPED_BYTES && this.#large.length === 0) {
      const bytes = this.#bytes;
      for (let at = 0; at < written.length; at++) written[at] = bytes[at]!;
      return;
    }
    let from = 0;
    let at = 0;
    for (const { bytes, length, behind } of this.#large) {
      // A getter of a later value may have resized or transferred it.
      if (byteCount(bytes) !== length) throw UNSENDABLE;
      written.set(this.#bytes.subarray(from, behind), at);
      at += behind - from;
      written.set(bytes, at);
      at += length;
      from = behind;
    }
    written.set(this.#bytes.subarray(from, this.#at), at);
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "number":
        return this.#number(value);
      case "string":
        return this.#text(value);
      case "boolean":
        return this.#byte(value ? TRUE : FALSE);
      case "undefined":
        return this.#byte(UNDEFINED);
      case "bigint":
        return this.#bigint(value);
      case "object":
        return value === null ? this.#byte(NULL) : this.#object(value, depth);
      default:
        throw UNSENDABLE;
    }
  }

  #object(value: object, depth: number): void {
    if (Array.isArray(value)) return this.#array(value, this.#enter(depth));
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return this.#record(value as Record<string, unknown>, this.#enter(depth));
    }
    if (value instanceof Uint8Array) {
      this.#countContainer();
      return this.#binary(value);
    }
    if (prototype === Date.prototype) return this.#date(value as Date);
    if (prototype === Map.prototype) {
      return this.#map(value as Map<unknown, unknown>, this.#enter(depth));
    }
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>, this.#enter(depth));
    throw UNSENDABLE;
  }

  #enter(depth: number): number {
    if (depth === 0) throw UNSENDABLE;
    this.#countContainer();
    return depth - 1;
  }

  #countContainer(): void {
    if (this.#containers === 0) throw UNSENDABLE;
    this.#containers--;
  }

  #countEntries(count: number): void {
    if (count > this.#entries) throw UNSENDABLE;
    this.#entries -= count;
  }

  #array(array: readonly unknown[], depth: number): void {
    const length = array.length;
    if (length > this.#maxBytes) throw TOO_LARGE;
    this.#head(ARRAY, length);
    for (let i = 0; i < length; i++) this.#value(array[i], depth);
  }

  #record(record: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(record);
    this.#countEntries(keys.length);
    this.#head(MAP, keys.length);
    for (const key of keys) {
      if (key === FORBIDDEN_KEY) throw UNSENDABLE;
      this.#text(key);
      this.#value(record[key], depth);
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    const size = map.size;
    this.#countEntries(size);
    this.#head(TAG, TAG_MAP);
    this.#head(MAP, size);
    let entries = 0;
    for (const [key, value] of map) {
      this.#value(key, depth);
      this.#value(value, depth);
      entries++;
    }
    // A getter within may have changed it.
    if (entries !== size) throw UNSENDABLE;
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    const size = set.size;
    this.#countEntries(size);
    this.#head(TAG, TAG_SET);
    this.#head(ARRAY, size);
    let values = 0;
    for (const value of set) {
      this.#value(value, depth);
      values++;
    }
    if (values !== size) throw UNSENDABLE;
  }

  #date(date: Date): void {
    const time = date.getTime();
    this.#head(TAG, TAG_DATE_EPOCH);
    // Seconds tell any two dates apart: the last place of the largest is worth 0.98 ms.
    this.#number(time / 1000);
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    let digits = (negative ? -1n - value : value).toString(16);
    if (digits.length % 2 === 1) digits = `0${digits}`;
    this.#head(TAG, negative ? TAG_NEGATIVE_BIGINT : TAG_BIGINT);
    this.#binary(digits === "00" ? new Uint8Array(0) : fromHex(digits));
  }

  #binary(bytes: Uint8Array): void {
    const length = byteCount(bytes);
    this.#head(BYTES, length);
    if (length >= LARGE_BYTES) {
      this.#largeBytes += length;
      if (this.#at + this.#largeBytes > this.#maxBytes) throw TOO_LARGE;
      this.#large.push({ bytes, length, behind: this.#at });
      return;
    }
    this.#reserve(length);
    this.#bytes.set(bytes, this.#at);
    this.#at += length;
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return value < 0 ? this.#head(NEGATIVE, -1 - value) : this.#head(UNSIGNED, value);
    }
    this.#reserve(9);
    const at = this.#at;
    const half = halfPrecision(value);
    if (half !== undefined) {
      this.#view.setUint8(at, FLOAT16);
      this.#view.setUint16(at + 1, half);
      this.#at += 3;
    } else if (Math.fround(value) === value) {
      this.#view.setUint8(at, FLOAT32);
      this.#view.setFloat32(at + 1, value);
      this.#at += 5;
    } else {
      this.#view.setUint8(at, FLOAT64);
      this.#view.setFloat64(at + 1, value);
      this.#at += 9;
    }
  }

  #text(text: string): void {
    if (text.length > SHORT_TEXT || !this.#shortAscii(text)) this.#longText(text);
  }

  #shortAscii(text: string): boolean {
    const start = this.#at;
    const length = text.length;
    this.#head(TEXT, length);
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#at = start;
        return false;
      }
      bytes[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #longText(text: string): void {
    if (text.length > this.#maxBytes) throw TOO_LARGE;
    if (!text.isWellFormed()) throw UNSENDABLE;
    const bytes = utf8.encode(text);
    this.#head(TEXT, bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #head(major: number, argument: number): void {
    this.#reserve(9);
    const type = major << 5;
    if (argument < 24) {
      this.#bytes[this.#at++] = type | argument;
    } else if (argument < 0x100) {
      this.#bytes[this.#at++] = type | 24;
      this.#bytes[this.#at++] = argument;
    } else if (argument < 0x10000) {
      this.#bytes[this.#at++] = type | 25;
      this.#view.setUint16(this.#at, argument);
      this.#at += 2;
    } else if (argument < TWO_TO_32) {
      this.#bytes[this.#at++] = type | 26;
      this.#view.setUint32(this.#at, argument);
      this.#at += 4;
    } else {
      this.#bytes[this.#at++] = type | 27;
      this.#view.setUint32(this.#at, Math.floor(argument / TWO_TO_32));
      this.#view.setUint32(this.#at + 4, argument % TWO_TO_32);
      this.#at += 8;
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    // A head reserves nine bytes, of which it may need one.
    if (needed + this.#largeBytes > this.#maxBytes + 9) throw TOO_LARGE;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#replaceBytes(larger);
  }

  #replaceBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

/** A byte string that is copied when everything else is written. */
interface LargeBytes {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** What of the rest comes before it, in bytes. */
  readonly behind: number;
}

let idle: Encoder | undefined;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The values that half precision is written for: others are shorter in another form, or rare. */
function halfPrecision(value: number): number | undefined {
  if (Number.isNaN(value)) return 0x7e00;
  if (value === Infinity) return 0x7c00;
  if (value === -Infinity) return 0xfc00;
  return Object.is(value, -0) ? 0x8000 : undefined;
}
