import { Buffer } from "node:buffer";
import { FORBIDDEN_KEY } from "./cbor_format.ts";
import { Malformed, TOO_LARGE, UNSENDABLE } from "./faults.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";

/**
 * Writes a value as JSON. What JSON has no form for takes the nearest: a date and a `bigint` become
 * text, bytes base64, a map the list of its entries, a set a list, `NaN` and the infinities their
 * names, and `undefined` is left out of an object and `null` elsewhere.
 *
 * @throws {@linkcode UNSENDABLE}, {@linkcode TOO_LARGE}, and whatever a getter of the value throws.
 */
export function encodeJson(
  value: unknown,
  maxDepth: number,
  limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS,
): string {
  const nearest = new JsonForm(limits).of(value, maxDepth);
  const text = JSON.stringify(nearest);
  if (Buffer.byteLength(text) > limits.bytes) throw TOO_LARGE;
  return text;
}

/**
 * Reads a value of JSON.
 *
 * @throws {@linkcode Malformed}
 */
export function decodeJson(
  text: string,
  maxDepth: number,
  limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS,
): unknown {
  const value = parse(text);
  inspect(value, maxDepth, { containers: 0, entries: 0, limits });
  return value;
}

class JsonForm {
  readonly #limits: PayloadLimits;
  #bytes = 0;
  #containers = 0;
  #entries = 0;

  constructor(limits: PayloadLimits) {
    this.#limits = limits;
  }

  of(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
        return value;
      case "undefined":
        return null;
      case "bigint":
        return this.#text(String(value));
      case "object":
        return value === null ? null : this.#object(value, depth);
      default:
        throw UNSENDABLE;
    }
  }

  #object(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#list(value, this.#enter(depth));
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return this.#record(value as Record<string, unknown>, this.#enter(depth));
    }
    if (value instanceof Uint8Array) return this.#text(base64(value));
    if (prototype === Date.prototype) return dateText(value as Date);
    if (prototype === Map.prototype) {
      const within = this.#enter(depth);
      const map = value as Map<unknown, unknown>;
      this.#countEntries(map.size);
      return Array.from(map, ([key, part]) => [this.of(key, within), this.of(part, within)]);
    }
    if (prototype === Set.prototype) {
      this.#countEntries((value as Set<unknown>).size);
      return this.#list([...value as Set<unknown>], this.#enter(depth));
    }
    throw UNSENDABLE;
  }

  #list(list: readonly unknown[], depth: number): unknown[] {
    this.#count(list.length);
    return Array.from(list, (part) => this.of(part, depth));
  }

  #record(record: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
    const nearest: Record<string, unknown> = {};
    const keys = Object.keys(record);
    this.#countEntries(keys.length);
    for (const key of keys) {
      if (key === FORBIDDEN_KEY) throw UNSENDABLE;
      const part = record[key];
      if (part !== undefined) nearest[this.#text(key)] = this.of(part, depth);
    }
    return nearest;
  }

  #text(text: string): string {
    if (!text.isWellFormed()) throw UNSENDABLE;
    this.#count(text.length);
    return text;
  }

  /** What is shared within a value is written each time: it is counted before it is joined. */
  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) throw TOO_LARGE;
  }

  #enter(depth: number): number {
    if (depth === 0 || this.#containers++ === this.#limits.containers) throw UNSENDABLE;
    return depth - 1;
  }

  #countEntries(count: number): void {
    this.#entries += count;
    if (this.#entries > this.#limits.entries) throw UNSENDABLE;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function dateText(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** The platform's own message would show a part of the payload. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Malformed("is no JSON");
  }
}

interface Inspection {
  containers: number;
  entries: number;
  readonly limits: PayloadLimits;
}

function inspect(value: unknown, depth: number, seen: Inspection): void {
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new Malformed("has a text with half a character");
  }
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw new Malformed("is nested too deep");
  const { containers, entries } = seen.limits;
  if (++seen.containers > containers) {
    throw new Malformed(`holds more than ${containers} arrays and objects`);
  }
  if (Object.hasOwn(value, FORBIDDEN_KEY)) {
    throw new Malformed(`has the key "${FORBIDDEN_KEY}"`);
  }
  const parts = Object.values(value);
  if (!Array.isArray(value)) seen.entries += parts.length;
  if (seen.entries > entries) throw new Malformed(`holds more than ${entries} properties`);
  for (const part of parts) inspect(part, depth - 1, seen);
}
