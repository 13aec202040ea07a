import { HpackError } from "./hpack_error.ts";

/** The most octets that an integer below 2^28 takes after its prefix. */
const MAX_CONTINUATION_OCTETS = 4;

/** The most octets of an encoded integer. */
export const MAX_INTEGER_BYTES: number = 1 + MAX_CONTINUATION_OCTETS;

/**
 * Writes `value` (below 2^28) with a prefix of `prefixBits` after the bits of `pattern`, RFC 7541 §5.1.
 *
 * @returns where it ends.
 */
export function encodeInteger(
  value: number,
  prefixBits: number,
  pattern: number,
  out: Uint8Array,
  at: number,
): number {
  const most = (1 << prefixBits) - 1;
  if (value < most) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | most;
  let rest = value - most;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>= 7;
  }
  out[at++] = rest;
  return at;
}

/** A place in a header block that moves forward as integers and strings are taken from it. */
export interface BlockCursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/**
 * Takes an integer whose prefix are the low `prefixBits` of the next octet, RFC 7541 §5.1.
 *
 * @throws {HpackError} where the block ends first or the integer has more octets than 2^28 needs.
 */
export function takeInteger(cursor: BlockCursor, prefixBits: number): number {
  if (cursor.at >= cursor.end) throw new HpackError("a header block ends inside a field");
  const most = (1 << prefixBits) - 1;
  let value = cursor.bytes[cursor.at++]! & most;
  if (value < most) return value;
  for (let octet = 0; octet < MAX_CONTINUATION_OCTETS; octet++) {
    if (cursor.at >= cursor.end) throw new HpackError("a header block ends inside an integer");
    const byte = cursor.bytes[cursor.at++]!;
    value += (byte & 0x7f) << (7 * octet);
    if (byte < 0x80) return value;
  }
  throw new HpackError("an integer is too large");
}
