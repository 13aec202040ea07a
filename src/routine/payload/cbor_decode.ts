import {
  ARRAY,
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
import { CborReader } from "./cbor_reader.ts";
import type { Malformed } from "./faults.ts";
import { FREE_KEYS, KeyCost } from "./key_cost.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";
import { toHex } from "../../platform/mod.ts";

/**
 * Reads one value of CBOR that fills the bytes. What it returns does not refer to them.
 *
 * @param keyCost What its keys may cost. Default: by the time that some of them take.
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

/** RFC 3339, as tag 0 has it. */
const DATE_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

class Decoder extends CborReader {
  readonly #maxContainers: number;
  readonly #maxEntries: number;
  #containers = 0;
  #entries = 0;
  #keyCost: KeyCost | undefined;

  constructor(bytes: Uint8Array, limits: PayloadLimits, keyCost: KeyCost | undefined) {
    super(bytes);
    this.#maxContainers = limits.containers;
    this.#maxEntries = limits.entries;
    this.#keyCost = keyCost;
  }

  decode(maxDepth: number): unknown {
    const value = this.#value(maxDepth);
    if (!this.isOver) throw this.malformed("goes on after its value");
    return value;
  }

  #value(depth: number): unknown {
    const head = this.byte();
    const info = head & 0x1f;
    switch (head >> 5) {
      case UNSIGNED:
        return info < 24 ? info : this.unsigned(info);
      case NEGATIVE:
        return this.negative(info);
      case BYTES:
        return this.#byteString(info);
      case TEXT:
        return this.text(info);
      case ARRAY:
        return this.#array(info, this.#enter(depth));
      case MAP:
        return this.#record(info, this.#enter(depth));
      case TAG:
        return this.#tagged(this.length(info), depth);
      default:
        return this.#simple(head);
    }
  }

  #enter(depth: number): number {
    if (depth === 0) throw this.malformed("is nested too deep");
    this.#countContainer();
    return depth - 1;
  }

  /** Bytes in an object of their own, which costs as much as a container. */
  #byteString(info: number): Uint8Array {
    this.#countContainer();
    return this.binary(info);
  }

  #countContainer(): void {
    if (this.#containers++ < this.#maxContainers) return;
    throw this.malformed(
      `holds more than ${this.#maxContainers} arrays, objects, maps, sets and byte strings`,
    );
  }

  #array(info: number, depth: number): unknown[] {
    const array: unknown[] = [];
    if (info === INDEFINITE) {
      while (!this.ended()) array.push(this.#value(depth));
    } else {
      const length = this.count(info, 1);
      for (let i = 0; i < length; i++) array.push(this.#value(depth));
    }
    return array;
  }

  #record(info: number, depth: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    if (info === INDEFINITE) {
      while (!this.ended()) this.#property(record, depth);
    } else {
      const length = this.#countOfEntries(info, 2);
      for (let i = 0; i < length; i++) this.#property(record, depth);
    }
    return record;
  }

  #property(record: Record<string, unknown>, depth: number): void {
    this.#countEntry();
    const head = this.byte();
    if (head >> 5 !== TEXT) throw this.malformed("has an object key that is no text");
    const key = this.text(head & 0x1f);
    if (key === FORBIDDEN_KEY) throw this.malformed(`has the key "${FORBIDDEN_KEY}"`);
    if (this.#isKeyDue()) this.#time(() => Object.hasOwn(record, key));
    if (Object.hasOwn(record, key)) throw this.malformed("has an object key twice");
    record[key] = this.#value(depth);
  }

  #map(depth: number): Map<unknown, unknown> {
    const info = this.expect(MAP, "a map");
    const map = new Map<unknown, unknown>();
    if (info === INDEFINITE) {
      while (!this.ended()) this.#entry(map, depth);
    } else {
      const length = this.#countOfEntries(info, 2);
      for (let i = 0; i < length; i++) this.#entry(map, depth);
    }
    return map;
  }

  #entry(map: Map<unknown, unknown>, depth: number): void {
    this.#countEntry();
    const key = this.#value(depth);
    if (this.#isKeyDue()) this.#time(() => map.has(key));
    if (map.has(key)) throw this.malformed("has a map key twice");
    map.set(key, this.#value(depth));
  }

  #set(depth: number): Set<unknown> {
    const info = this.expect(ARRAY, "an array");
    const set = new Set<unknown>();
    if (info === INDEFINITE) {
      while (!this.ended()) this.#member(set, depth);
    } else {
      const length = this.#countOfEntries(info, 1);
      for (let i = 0; i < length; i++) this.#member(set, depth);
    }
    return set;
  }

  #member(set: Set<unknown>, depth: number): void {
    this.#countEntry();
    const value = this.#value(depth);
    if (this.#isKeyDue()) this.#time(() => set.has(value));
    const { size } = set;
    if (set.add(value).size === size) throw this.malformed("has a value of a set twice");
  }

  #countEntry(): void {
    if (this.#entries++ >= this.#maxEntries) throw this.#tooManyEntries();
  }

  /** The announced number of entries, refused before one of them is read where it is too large. */
  #countOfEntries(info: number, bytesEach: number): number {
    const length = this.count(info, bytesEach);
    if (length > this.#maxEntries - this.#entries) throw this.#tooManyEntries();
    return length;
  }

  #tooManyEntries(): Malformed {
    return this.malformed(
      `holds more than ${this.#maxEntries} properties, entries of maps and members of sets`,
    );
  }

  /** Whether the key that comes next is one of those that are timed. */
  #isKeyDue(): boolean {
    return this.#entries > FREE_KEYS && (this.#keyCost ??= new KeyCost()).isDue();
  }

  #time(lookup: () => boolean): void {
    if (!this.#keyCost!.exceeded(lookup)) return;
    throw this.malformed(
      "has keys of objects or maps, or members of sets, that take too long to find",
    );
  }

  #tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG_DATE_TEXT:
        return this.#dateText(this.text(this.expect(TEXT, "a text")));
      case TAG_DATE_EPOCH:
        return this.#date();
      case TAG_BIGINT:
        return this.#bigint();
      case TAG_NEGATIVE_BIGINT:
        return -1n - this.#bigint();
      case TAG_UINT8_ARRAY:
        return this.#byteString(this.expect(BYTES, "a byte string"));
      case TAG_SET:
        return this.#set(this.#enter(depth));
      case TAG_MAP:
        return this.#map(this.#enter(depth));
      default:
        throw this.malformed(`has the tag ${tag}, which is not understood`);
    }
  }

  #date(): Date {
    const seconds = this.nextMajor === TAG ? undefined : this.#value(0);
    if (typeof seconds !== "number") throw this.malformed("has a date that is no number");
    return new Date(millisecondsOf(seconds));
  }

  #dateText(text: string): Date {
    const date = new Date(text);
    if (!DATE_TEXT.test(text) || Number.isNaN(date.getTime())) {
      throw this.malformed("has an invalid date");
    }
    return date;
  }

  #bigint(): bigint {
    const bytes = this.binary(this.expect(BYTES, "a byte string"));
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
      case FLOAT32:
      case FLOAT64:
        return this.float(head);
      default:
        throw this.malformed(`has the byte 0x${head.toString(16)} where a value should be`);
    }
  }
}

/** Far from 1970 the product may round to the neighbour of the number whose quotient was written. */
function millisecondsOf(seconds: number): number {
  const near = Math.round(seconds * 1000);
  return [near, near - 1, near + 1].find((exact) => exact / 1000 === seconds) ?? near;
}
