import { Buffer } from "node:buffer";
import { Malformed } from "./malformed.ts";

/** Universal tags, with the constructed bit where DER demands it. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The value of a BOOLEAN. */
export function asBoolean(contents: Uint8Array): boolean {
  if (contents.length !== 1 || (contents[0] !== 0 && contents[0] !== 0xff)) {
    throw new Malformed("der.boolean", "a boolean is neither 00 nor FF");
  }
  return contents[0] === 0xff;
}

/** The value of a small non-negative INTEGER, such as a path length. */
export function asSmallInteger(contents: Uint8Array): number {
  checkInteger(contents);
  if (contents.length > 4 || contents[0]! >= 0x80) {
    throw new Malformed("der.integer", "a number is negative or beyond 31 bits");
  }
  return contents.reduce((value, byte) => value * 256 + byte, 0);
}

/** Refuses an INTEGER that has a shorter form. */
export function checkInteger(contents: Uint8Array): void {
  const [first, second] = contents;
  if (first === undefined) throw new Malformed("der.integer", "an integer is empty");
  if (second === undefined) return;
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
    throw new Malformed("der.integer", "an integer has a shorter form");
  }
}

/** The bits of a BIT STRING: its bytes and how many of the last one's are unused. */
export function asBits(contents: Uint8Array): { bytes: Uint8Array; unused: number } {
  const [unused] = contents;
  const last = contents.at(-1);
  if (unused === undefined || unused > 7 || (contents.length === 1 && unused !== 0)) {
    throw new Malformed("der.bit-string", "a bit string counts its unused bits wrongly");
  }
  if (contents.length > 1 && (last! & ((1 << unused) - 1)) !== 0) {
    throw new Malformed("der.bit-string", "the unused bits of a bit string are not zero");
  }
  return { bytes: contents.subarray(1), unused };
}

/** The whole bytes of a BIT STRING that holds a key, a signature or the like. */
export function asWholeBytes(contents: Uint8Array): Uint8Array {
  const { bytes, unused } = asBits(contents);
  if (unused !== 0) throw new Malformed("der.bit-string", "a bit string does not end on a byte");
  return bytes;
}

/** An OBJECT IDENTIFIER, dotted decimal. */
export function asOid(contents: Uint8Array): string {
  const last = contents.at(-1);
  if (last === undefined || last >= 0x80) throw new Malformed("der.oid", "an OID is cut off");
  const arcs: number[] = [];
  let arc = 0;
  let begins = true;
  for (const byte of contents) {
    if (begins && byte === 0x80) throw new Malformed("der.oid", "an arc has a shorter form");
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new Malformed("der.oid", "an arc is beyond 53 bits");
    begins = byte < 0x80;
    if (!begins) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head = 0, ...others] = arcs;
  const top = Math.min(2, Math.floor(head / 40));
  return [top, head - 40 * top, ...others].join(".");
}

/** A UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 narrows them, milliseconds since the epoch. */
export function asTime(tag: number, contents: Uint8Array): number {
  const text = latin1(contents);
  const digits = tag === TAG.utcTime ? 12 : 14;
  if (text.length !== digits + 1 || !/^\d+Z$/.test(text)) {
    throw new Malformed("der.time", "a time is not whole seconds of UTC");
  }
  const field = (from: number, to?: number) => Number(text.slice(from, to));
  const year = tag === TAG.utcTime ? century(field(0, 2)) : field(0, 4);
  const at = digits - 10;
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((i) =>
    field(at + i, at + i + 2)
  ) as [number, number, number, number, number];
  const time = new Date(0).setUTCFullYear(year, month - 1, day) +
    ((hour * 60 + minute) * 60 + second) * 1000;
  // A date that does not exist, 30 February, reads back as another one.
  const same = new Date(time);
  if (
    same.getUTCFullYear() !== year || same.getUTCMonth() !== month - 1 ||
    same.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59
  ) throw new Malformed("der.time", "a time is not a date of the calendar");
  return time;
}

function century(twoDigits: number): number {
  return twoDigits >= 50 ? 1900 + twoDigits : 2000 + twoDigits;
}

/** The text of a string type. */
export function asText(tag: number, contents: Uint8Array): string {
  switch (tag) {
    case TAG.utf8String:
      return utf8(contents);
    case TAG.bmpString:
      return wide(contents, 2);
    case TAG.universalString:
      return wide(contents, 4);
    case TAG.teletexString:
      return latin1(contents);
    case TAG.numericString:
      return matching(contents, /^[0-9 ]*$/);
    case TAG.printableString:
      return matching(contents, /^[A-Za-z0-9 '()+,./:=?-]*$/);
    case TAG.visibleString:
      return matching(contents, /^[\x20-\x7e]*$/);
    default:
      // deno-lint-ignore no-control-regex -- IA5String is ASCII, its control characters included.
      return matching(contents, /^[\x00-\x7f]*$/);
  }
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(contents: Uint8Array): string {
  if (contents.every((byte) => byte < 0x80)) return latin1(contents);
  try {
    return STRICT_UTF8.decode(contents);
  } catch {
    throw new Malformed("der.string", "a UTF8String is not UTF-8");
  }
}

function wide(contents: Uint8Array, width: 2 | 4): string {
  if (contents.length % width !== 0) throw new Malformed("der.string", "a string is cut off");
  let text = "";
  for (let i = 0; i < contents.length; i += width) {
    const point = contents.subarray(i, i + width).reduce((value, byte) => value * 256 + byte, 0);
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      throw new Malformed("der.string", "a string holds what is not a character");
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

function matching(contents: Uint8Array, alphabet: RegExp): string {
  const text = latin1(contents);
  if (!alphabet.test(text)) {
    throw new Malformed("der.string", "a string holds a character its type does not have");
  }
  return text;
}

/** Bytes as characters of the same numbers. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
