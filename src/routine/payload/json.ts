import { Buffer } from "node:buffer";
import { FORBIDDEN_KEY } from "./cbor_format.ts";
import { Malformed, TOO_LARGE, UNSENDABLE } from "./faults.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";

/**
 * Writes a value as JSON. What JSON has no form for takes the nearest: a date and a `bigint` become
 * text, bytes base64, a map the list of its entries, a set a list, `NaN` and the infinities their
 * names, and `undefined` is left out of an object and `null` elsewhere.
 *
 * @param value The value.
 * @param maxDepth How deep it may nest.
 * @param maxBytes How many bytes it may take.
 * @param maxContainers How many containers it may hold.
 * @returns The text.
 * @throws {@linkcode UNSENDABLE}, {@linkcode TOO_LARGE}, and whatever a getter of the value throws.
 */
export function encodeJson(
  value: unknown,
  maxDepth: number,
  maxBytes: number,
  maxContainers: number = DEFAULT_PAYLOAD_LIMITS.containers,
): string {
  const nearest = new JsonForm(maxBytes, maxContainers).of(value, maxDepth);
  const text = JSON.stringify(nearest);
  if (Buffer.byteLength(text) > maxBytes) throw TOO_LARGE;
  return text;
}

/**
 * Reads a value of JSON.
 *
 * @param text The text.
 * @param maxDepth How deep the value may nest.
 * @param maxContainers How many containers it may hold.
 * @returns The value.
 * @throws {@linkcode Malformed}
 */
export function decodeJson(
  text: string,
  maxDepth: number,
  maxContainers: number = DEFAULT_PAYLOAD_LIMITS.containers,
): unknown {
  const value = parse(text);
  inspect(value, maxDepth, { containers: 0, maxContainers });
  return value;
}

class JsonForm {
  readonly #maxBytes: number;
  readonly #maxContainers: number;
  #bytes = 0;
  #containers = 0;

  constructor(maxBytes: number, maxContainers: number) {
    this.#maxBytes = maxBytes;
    this.#maxContainers = maxContainers;
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
      return Array.from(map, ([key, part]) => [this.of(key, within), this.of(part, within)]);
    }
    if (prototype === Set.prototype) {
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
    for (const key of Object.keys(record)) {
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
    if (this.#bytes > this.#maxBytes) throw TOO_LARGE;
  }

  #enter(depth: number): number {
    if (depth === 0 || this.#containers++ === this.#maxContainers) throw UNSENDABLE;
    return depth - 1;
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
  readonly maxContainers: number;
}

function inspect(value: unknown, depth: number, seen: Inspection): void {
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new Malformed("has a text with half a character");
  }
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw new Malformed("is nested too deep");
  if (++seen.containers > seen.maxContainers) {
    throw new Malformed(`holds more than ${seen.maxContainers} arrays and objects`);
  }
  if (Object.hasOwn(value, FORBIDDEN_KEY)) {
    throw new Malformed(`has the key "${FORBIDDEN_KEY}"`);
  }
  for (const part of Object.values(value)) inspect(part, depth - 1, seen);
}
