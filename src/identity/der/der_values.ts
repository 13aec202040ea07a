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
  let text = "";
  readArcs(contents, (arc) => {
    if (text !== "") {
      text += `.${arc}`;
      return;
    }
    const top = Math.min(2, Math.floor(arc / 40));
    text = `${top}.${arc - 40 * top}`;
  });
  return text;
}

/** Refuses an OBJECT IDENTIFIER that is not written as it should be. */
export function checkOid(contents: Uint8Array): void {
  readArcs(contents, () => {});
}

function readArcs(contents: Uint8Array, take: (arc: number) => void): void {
  const { length } = contents;
  if (length === 0 || contents[length - 1]! >= 0x80) {
    throw new Malformed("der.oid", "an OID is cut off");
  }
  let arc = 0;
  let begins = true;
  for (let i = 0; i < length; i++) {
    const byte = contents[i]!;
    if (begins && byte === 0x80) throw new Malformed("der.oid", "an arc has a shorter form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new Malformed("der.oid", "an arc is beyond 53 bits");
    begins = byte < 0x80;
    if (!begins) continue;
    take(arc);
    arc = 0;
  }
}

/** A UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 narrows them, milliseconds since the epoch. */
export function asTime(tag: number, contents: Uint8Array): number {
  const digits = tag === TAG.utcTime ? 12 : 14;
  if (contents.length !== digits + 1 || contents[digits] !== 0x5a) throw notSeconds();
  const at = digits - 10;
  const year = at === 2
    ? century(twoDigits(contents, 0))
    : 100 * twoDigits(contents, 0) + twoDigits(contents, 2);
  const month = twoDigits(contents, at);
  const day = twoDigits(contents, at + 2);
  const hour = twoDigits(contents, at + 4);
  const minute = twoDigits(contents, at + 6);
  const second = twoDigits(contents, at + 8);
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month, year);
  if (!exists || hour > 23 || minute > 59 || second > 59) {
    throw new Malformed("der.time", "a time is not a date of the calendar");
  }
  // Date.UTC() takes the years before 100 for others.
  const midnight = year >= 100
    ? Date.UTC(year, month - 1, day)
    : new Date(0).setUTCFullYear(year, month - 1, day);
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000;
}

function twoDigits(contents: Uint8Array, at: number): number {
  const tens = contents[at]! - 0x30;
  const ones = contents[at + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw notSeconds();
  return tens * 10 + ones;
}

function notSeconds(): Malformed {
  return new Malformed("der.time", "a time is not whole seconds of UTC");
}

function daysOf(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
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
