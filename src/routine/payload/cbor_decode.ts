import {
  ARRAY,
  BREAK,
  BYTES,
  FALSE,
  FLOAT16,
  FLOAT32,
  FLOAT64,
  FORBIDDEN_KEY,
  INDEFINITE,
  MAP,
  NEGATIVE,
  NULL,
  SELF_DESCRIBED,
  TAG,
  TAG_BIGINT,
  TAG_DATE_EPOCH,
  TAG_DATE_TEXT,
  TAG_MAP,
  TAG_NEGATIVE_BIGINT,
  TAG_SET,
  TAG_UINT8_ARRAY,
  TEXT,
  TRUE,
  UNDEFINED,
  UNSIGNED,
} from "./cbor_format.ts";
import { Malformed } from "./faults.ts";
import { KeyCost } from "./key_cost.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";
import { toHex } from "../../platform/mod.ts";

/**
 * Reads one value of CBOR that fills the bytes. What it returns does not refer to them.
 *
 * @param bytes The bytes.
 * @param maxDepth How deep the value may nest.
 * @param limits How many containers and entries it may hold.
 * @param keyCost What its keys may cost. Default: by the CPU time of this thread.
 * @returns The value.
 * @throws {@linkcode Malformed}
 */
export function decodeCbor(
  bytes: Uint8Array,
  maxDepth: number,
  limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS,
  keyCost?: KeyCost,
): unknown {
  return new Decoder(bytes, limits, keyCost).decode(maxDepth);
}

/** Up to here a loop over characters is faster than the platform's decoder. */
const SHORT_TEXT = 24;
const TWO_TO_32 = 2 ** 32;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** RFC 3339, as tag 0 has it. */
const DATE_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** Byte strings of this size are handed out as they came, where their buffer holds nothing else. */
const UNCOPIED_BYTES = 4096;
/** What may come before them in the buffer: the heads of the message that they came in. */
const UNCOPIED_HEAD_BYTES = 32;

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #maxContainers: number;
  readonly #maxEntries: number;
  #at = 0;
  #containers = 0;
  #entries = 0;
  #keyCost: KeyCost | undefined;
  #dataView: DataView | undefined;

  constructor(bytes: Uint8Array, limits: PayloadLimits, keyCost: KeyCost | undefined) {
    this.#bytes = bytes;
    this.#maxContainers = limits.containers;
    this.#maxEntries = limits.entries;
    this.#keyCost = keyCost;
  }

  decode(maxDepth: number): unknown {
    if (SELF_DESCRIBED.every((byte, i) => this.#bytes[i] === byte)) {
      this.#at = SELF_DESCRIBED.length;
    }
    const value = this.#value(maxDepth);
    if (this.#at < this.#bytes.length) throw this.#malformed("goes on after its value");
    return value;
  }

  #value(depth: number): unknown {
    const head = this.#byte();
    const info = head & 0x1f;
    switch (head >> 5) {
      case UNSIGNED:
        return info < 24 ? info : this.#unsigned(info);
      case NEGATIVE:
        return this.#negative(info);
      case BYTES:
        return this.#binary(info);
      case TEXT:
        return this.#text(info);
      case ARRAY:
        return this.#array(info, this.#enter(depth));
      case MAP:
        return this.#record(info, this.#enter(depth));
      case TAG:
        return this.#tagged(this.#length(info), depth);
      default:
        return this.#simple(head);
    }
  }

  #enter(depth: number): number {
    if (depth === 0) throw this.#malformed("is nested too deep");
    if (this.#containers++ === this.#maxContainers) {
      throw this.#malformed(
        `holds more than ${this.#maxContainers} arrays, objects, maps and sets`,
      );
    }
    return depth - 1;
  }

  #array(info: number, depth: number): unknown[] {
    const array: unknown[] = [];
    if (info === INDEFINITE) {
      while (!this.#ended()) array.push(this.#value(depth));
    } else {
      const length = this.#count(info, 1);
      for (let i = 0; i < length; i++) array.push(this.#value(depth));
    }
    return array;
  }

  #record(info: number, depth: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    if (info === INDEFINITE) {
      while (!this.#ended()) this.#property(record, depth);
    } else {
      const length = this.#countOfEntries(info, 2);
      for (let i = 0; i < length; i++) this.#property(record, depth);
    }
    return record;
  }

  #property(record: Record<string, unknown>, depth: number): void {
    this.#countEntry();
    const head = this.#byte();
    if (head >> 5 !== TEXT) throw this.#malformed("has an object key that is no text");
    const key = this.#text(head & 0x1f);
    if (key === FORBIDDEN_KEY) throw this.#malformed(`has the key "${FORBIDDEN_KEY}"`);
    if (Object.hasOwn(record, key)) throw this.#malformed("has an object key twice");
    record[key] = this.#value(depth);
  }

  #map(depth: number): Map<unknown, unknown> {
    const info = this.#expect(MAP, "a map");
    const map = new Map<unknown, unknown>();
    if (info === INDEFINITE) {
      while (!this.#ended()) this.#entry(map, depth);
    } else {
      const length = this.#countOfEntries(info, 2);
      for (let i = 0; i < length; i++) this.#entry(map, depth);
    }
    return map;
  }

  #entry(map: Map<unknown, unknown>, depth: number): void {
    this.#countEntry();
    const key = this.#value(depth);
    if (map.has(key)) throw this.#malformed("has a map key twice");
    map.set(key, this.#value(depth));
    this.#countKey(key);
  }

  #set(depth: number): Set<unknown> {
    const info = this.#expect(ARRAY, "an array");
    const set = new Set<unknown>();
    if (info === INDEFINITE) {
      while (!this.#ended()) this.#member(set, depth);
    } else {
      const length = this.#countOfEntries(info, 1);
      for (let i = 0; i < length; i++) this.#member(set, depth);
    }
    return set;
  }

  #member(set: Set<unknown>, depth: number): void {
    this.#countEntry();
    const value = this.#value(depth);
    const { size } = set;
    if (set.add(value).size === size) throw this.#malformed("has a value of a set twice");
    this.#countKey(value);
  }

  #countEntry(): void {
    if (this.#entries++ >= this.#maxEntries) throw this.#tooManyEntries();
  }

  /** The announced number of entries, refused before one of them is read where it is too large. */
  #countOfEntries(info: number, bytesEach: number): number {
    const length = this.#count(info, bytesEach);
    if (length > this.#maxEntries - this.#entries) throw this.#tooManyEntries();
    return length;
  }

  #tooManyEntries(): Malformed {
    return this.#malformed(
      `holds more than ${this.#maxEntries} properties, entries of maps and members of sets`,
    );
  }

  #countKey(key: unknown): void {
    this.#keyCost ??= new KeyCost();
    if (!this.#keyCost.exceeded(key, this.#at)) return;
    throw this.#malformed("has keys of maps or members of sets that take too long to tell apart");
  }

  #tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG_DATE_TEXT:
        return this.#dateText(this.#text(this.#expect(TEXT, "a text")));
      case TAG_DATE_EPOCH:
        return this.#date();
      case TAG_BIGINT:
        return this.#bigint();
      case TAG_NEGATIVE_BIGINT:
        return -1n - this.#bigint();
      case TAG_UINT8_ARRAY:
        return this.#binary(this.#expect(BYTES, "a byte string"));
      case TAG_SET:
        return this.#set(this.#enter(depth));
      case TAG_MAP:
        return this.#map(this.#enter(depth));
      default:
        throw this.#malformed(`has the tag ${tag}, which is not understood`);
    }
  }

  #date(): Date {
    const major = (this.#bytes[this.#at] ?? 0) >> 5;
    const seconds = major === TAG ? undefined : this.#value(0);
    if (typeof seconds !== "number") throw this.#malformed("has a date that is no number");
    return new Date(millisecondsOf(seconds));
  }

  #dateText(text: string): Date {
    const date = new Date(text);
    if (!DATE_TEXT.test(text) || Number.isNaN(date.getTime())) {
      throw this.#malformed("has a date that is none");
    }
    return date;
  }

  #bigint(): bigint {
    const bytes = this.#binary(this.#expect(BYTES, "a byte string"));
    return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
  }

  #simple(head: number): unknown {
    switch (head) {
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NULL:
        return null;
      case UNDEFINED:
        return undefined;
      case FLOAT16:
        return halfPrecision(this.#view.getUint16(this.#advance(2)));
      case FLOAT32:
        return this.#view.getFloat32(this.#advance(4));
      case FLOAT64:
        return this.#view.getFloat64(this.#advance(8));
      default:
        throw this.#malformed(`has the byte 0x${head.toString(16)} where a value should be`);
    }
  }

  #negative(info: number): number | bigint {
    const value = this.#unsigned(info);
    return typeof value === "number" ? -1 - value : -1n - value;
  }

  #unsigned(info: number): number | bigint {
    if (info === 27) {
      const value = this.#view.getBigUint64(this.#advance(8));
      return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    }
    return this.#length(info);
  }

  /**
   * A byte string, copied: a part of the bytes would keep all of them alive. Not where it is large and
   * all that its buffer holds, but for what came before it: it would be copied for nothing.
   */
  #binary(info: number): Uint8Array {
    if (info === INDEFINITE) return new Uint8Array(this.#chunks(BYTES));
    const length = this.#count(info, 1);
    const start = this.#advance(length);
    const part = this.#bytes.subarray(start, start + length);
    const fillsBuffer = length >= UNCOPIED_BYTES && part.byteOffset <= UNCOPIED_HEAD_BYTES &&
      part.byteOffset + length === part.buffer.byteLength;
    return fillsBuffer ? part : new Uint8Array(part);
  }

  #text(info: number): string {
    if (info === INDEFINITE) return this.#utf8(new Uint8Array(this.#chunks(TEXT)));
    const length = this.#count(info, 1);
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
      throw this.#malformed("has a text that is not UTF-8");
    }
  }

  /** The chunks of an indefinite length, each of the string's own type (RFC 8949 §3.2.3). */
  #chunks(major: number): number[] {
    const bytes: number[] = [];
    while (!this.#ended()) {
      const length = this.#count(this.#expect(major, "a chunk of its string"), 1);
      const start = this.#advance(length);
      for (let at = start; at < start + length; at++) bytes.push(this.#bytes[at] as number);
    }
    return bytes;
  }

  #expect(major: number, what: string): number {
    const head = this.#byte();
    if (head >> 5 !== major) throw this.#malformed(`lacks ${what} where there should be one`);
    return head & 0x1f;
  }

  #ended(): boolean {
    if (this.#bytes[this.#at] !== BREAK) return false;
    this.#at++;
    return true;
  }

  /** A length that cannot be more than what is there, given the least that each member takes. */
  #count(info: number, bytesEach: number): number {
    const length = info < 24 ? info : this.#length(info);
    if (length * bytesEach > this.#bytes.length - this.#at) throw this.#torn();
    return length;
  }

  #length(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#byte();
      case 25:
        return this.#view.getUint16(this.#advance(2));
      case 26:
        return this.#view.getUint32(this.#advance(4));
      case 27: {
        const at = this.#advance(8);
        return this.#view.getUint32(at) * TWO_TO_32 + this.#view.getUint32(at + 4);
      }
      default:
        throw this.#malformed("has a length in a form that is not used");
    }
  }

  #byte(): number {
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

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return this.#dataView ??= new DataView(buffer, byteOffset, byteLength);
  }

  #torn(): Malformed {
    return this.#malformed("ends in the middle");
  }

  #malformed(what: string): Malformed {
    return new Malformed(`${what}, at byte ${this.#at}`);
  }
}

/** Far from 1970 the product may round to the neighbour of the number whose quotient was written. */
function millisecondsOf(seconds: number): number {
  const near = Math.round(seconds * 1000);
  return [near, near - 1, near + 1].find((exact) => exact / 1000 === seconds) ?? near;
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
