/** Writers of DER (X.690) values, as far as certificates need them. */
import { joined } from "../values/mod.ts";

/** A value of any tag. */
export function tagged(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((total, { byteLength }) => total + byteLength, 0);
  return joined([Uint8Array.of(tag, ...lengthOctets(length)), ...contents]);
}

/** SEQUENCE. */
export function sequence(...members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return tagged(0x30, ...members);
}

/** SET of one member, which needs no sorting. */
export function setOfOne(member: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagged(0x31, member);
}

/** BOOLEAN TRUE; FALSE is always a default, which DER leaves out. */
export function booleanTrue(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x01, 0x01, 0xff);
}

/** INTEGER of a small number that is not negative. */
export function smallInteger(value: number): Uint8Array<ArrayBuffer> {
  const octets: number[] = [];
  for (let rest = value; rest > 0 || octets.length === 0; rest = Math.floor(rest / 256)) {
    octets.unshift(rest % 256);
  }
  return unsignedInteger(Uint8Array.from(octets));
}

/** INTEGER from big-endian octets, never negative, in its shortest form. */
export function unsignedInteger(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : octets.subarray(first);
  const negative = (digits[0] ?? 0) >= 0x80;
  return negative ? tagged(0x02, Uint8Array.of(0), digits) : tagged(0x02, digits);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function objectIdentifier(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const octets = [first * 40 + second, ...rest].flatMap(base128);
  return tagged(0x06, Uint8Array.from(octets));
}

/** OCTET STRING. */
export function octetString(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagged(0x04, content);
}

/** BIT STRING of whole octets. */
export function bitString(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagged(0x03, Uint8Array.of(0), content);
}

/** BIT STRING of named bits, trailing zero bits left off (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Uint8Array<ArrayBuffer> {
  if (bits.length === 0) return tagged(0x03, Uint8Array.of(0));
  const highest = Math.max(...bits);
  const octets = new Uint8Array(Math.floor(highest / 8) + 1);
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tagged(0x03, Uint8Array.of(7 - (highest & 7)), octets);
}

/** UTF8String. */
export function utf8String(text: string): Uint8Array<ArrayBuffer> {
  return tagged(0x0c, new TextEncoder().encode(text));
}

/** UTCTime up to 2049 and GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function time(epochMs: number): Uint8Array<ArrayBuffer> {
  const digits = new Date(epochMs).toISOString().replace(/[-:T]/g, "").slice(0, 14) + "Z";
  return digits < "2050"
    ? tagged(0x17, new TextEncoder().encode(digits.slice(2)))
    : tagged(0x18, new TextEncoder().encode(digits));
}

/** NULL. */
export function nullValue(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x05, 0x00);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}
