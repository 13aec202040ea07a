import { asBits, asBoolean, asText, asTime, checkInteger, checkOid, TAG } from "./der_values.ts";
import { Malformed } from "./malformed.ts";

/**
 * Strict DER (X.690 §10 and §11): one spelling a value, so that what was read re-encodes to the
 * same bytes. Only low tag numbers and definite, minimal lengths exist here.
 */

/** The tag of a context-specific element. */
export function contextTag(number: number, form: "primitive" | "constructed"): number {
  return (form === "constructed" ? 0xa0 : 0x80) | number;
}

/** Nesting beyond this is refused; a certificate needs about ten. */
const MAX_DEPTH = 24;

/** One element: its tag, its contents, and all of its bytes. */
export class Element {
  readonly tag: number;
  readonly #within: Uint8Array;
  readonly #start: number;
  readonly #contentsAt: number;
  /** Where it ends in the bytes it was read from. */
  readonly end: number;

  constructor(within: Uint8Array, start: number, { tag, contentsAt, end }: Header) {
    this.tag = tag;
    this.end = end;
    this.#within = within;
    this.#start = start;
    this.#contentsAt = contentsAt;
  }

  // Made when asked for: a view costs more than all else that is done for an element.
  get contents(): Uint8Array {
    return this.#within.subarray(this.#contentsAt, this.end);
  }

  get bytes(): Uint8Array {
    return this.#within.subarray(this.#start, this.end);
  }
}

interface Header {
  readonly tag: number;
  readonly contentsAt: number;
  readonly end: number;
}

/** Reads the elements of a constructed one in order. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The next element, which must have that tag. */
  next(tag: number, what: string): Element {
    if (this.#bytes[this.#offset] !== tag) {
      const found = this.done ? "nothing" : `tag 0x${this.#bytes[this.#offset]?.toString(16)}`;
      throw new Malformed("der.structure", `${what} is missing: found ${found}`);
    }
    return this.any();
  }

  /** The next element if it has that tag. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#offset] === tag ? this.any() : undefined;
  }

  /** The next element, whatever it is. */
  any(): Element {
    const header = readHeader(this.#bytes, this.#offset, this.#bytes.length);
    const element = new Element(this.#bytes, this.#offset, header);
    this.#offset = header.end;
    return element;
  }

  /** All that remain. */
  *rest(): Iterable<Element> {
    while (!this.done) yield this.any();
  }

  /** Refuses anything further. */
  end(what: string): void {
    if (!this.done) throw new Malformed("der.structure", `${what} has more than its fields`);
  }
}

/** Reads the one element that the bytes are, and checks all that is nested in it. */
export function readDer(bytes: Uint8Array, what: string): Element {
  const header = readHeader(bytes, 0, bytes.length);
  if (header.end !== bytes.length) {
    throw new Malformed("der.trailing", `${bytes.length - header.end} bytes follow ${what}`);
  }
  checkElement(bytes, header, 0);
  return new Element(bytes, 0, header);
}

/** Whether the bytes are one element from the first to the last, whatever it holds. */
export function isOneElement(bytes: Uint8Array): boolean {
  try {
    return readHeader(bytes, 0, bytes.length).end === bytes.length;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** Reads a sequence that is all there is in the bytes, for its fields. */
export function readSequence(bytes: Uint8Array, what: string): DerReader {
  const { tag, contents } = readDer(bytes, what);
  if (tag !== TAG.sequence) throw new Malformed("der.structure", `${what} is not a sequence`);
  return new DerReader(contents);
}

function readHeader(bytes: Uint8Array, start: number, limit: number): Header {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined || start + 2 > limit) {
    throw new Malformed("der.length", "it is cut off");
  }
  if ((tag & 0x1f) === 0x1f) throw new Malformed("der.tag", "a high tag number is used");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first >= 0x80 && (lengthBytes < 1 || lengthBytes > 3)) {
    throw new Malformed("der.length", "a length is indefinite or beyond 16 MiB");
  }
  let length = first < 0x80 ? first : 0;
  for (let i = 0; i < lengthBytes; i++) {
    // Beyond the bytes, and so NaN; then the end is not within the limit.
    length = length * 256 + (bytes[start + 2 + i] ?? NaN);
  }
  const shortest = lengthBytes === 0 ? 0 : lengthBytes === 1 ? 0x80 : 256 ** (lengthBytes - 1);
  if (length < shortest) throw new Malformed("der.length", "a length has a shorter form");
  const contentsAt = start + 2 + lengthBytes;
  const end = contentsAt + length;
  if (!(end <= limit)) throw new Malformed("der.length", "it is cut off");
  return { tag, contentsAt, end };
}

function checkElement(bytes: Uint8Array, { tag, contentsAt, end }: Header, depth: number): void {
  if (depth > MAX_DEPTH) throw new Malformed("der.depth", `it nests deeper than ${MAX_DEPTH}`);
  if ((tag & 0x20) === 0) {
    if ((tag & 0xc0) !== 0) return;
    const check = CHECKS.get(tag);
    if (check === undefined) throw misplaced(tag);
    check(bytes.subarray(contentsAt, end));
    return;
  }
  if ((tag & 0xc0) === 0 && tag !== TAG.sequence && tag !== TAG.set) throw misplaced(tag);
  let previous: Uint8Array | undefined;
  for (let at = contentsAt; at < end;) {
    const child = readHeader(bytes, at, end);
    checkElement(bytes, child, depth + 1);
    if (tag === TAG.set) {
      const member = bytes.subarray(at, child.end);
      if (previous !== undefined && !inOrder(previous, member)) {
        throw new Malformed("der.set", "the members of a set are not in order");
      }
      previous = member;
    }
    at = child.end;
  }
}

function misplaced(tag: number): Malformed {
  return new Malformed("der.tag", `universal tag 0x${tag.toString(16)} has no place here`);
}

const CHECKS: ReadonlyMap<number, (contents: Uint8Array) => void> = new Map([
  [TAG.boolean, (c) => void asBoolean(c)],
  [TAG.integer, checkInteger],
  [TAG.bitString, (c) => void asBits(c)],
  [TAG.octetString, () => {}],
  [TAG.null, (c) => {
    if (c.length !== 0) throw new Malformed("der.null", "a NULL has contents");
  }],
  [TAG.oid, checkOid],
  [TAG.utf8String, (c) => void asText(TAG.utf8String, c)],
  [TAG.numericString, (c) => void asText(TAG.numericString, c)],
  [TAG.printableString, (c) => void asText(TAG.printableString, c)],
  [TAG.teletexString, () => {}],
  [TAG.ia5String, (c) => void asText(TAG.ia5String, c)],
  [TAG.utcTime, (c) => void asTime(TAG.utcTime, c)],
  [TAG.generalizedTime, (c) => void asTime(TAG.generalizedTime, c)],
  [TAG.visibleString, (c) => void asText(TAG.visibleString, c)],
  [TAG.universalString, (c) => void asText(TAG.universalString, c)],
  [TAG.bmpString, (c) => void asText(TAG.bmpString, c)],
]);

function inOrder(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return a.length <= b.length;
}
