import { decodeHuffman } from "./huffman.ts";

/** More arguments than this in one call risk the stack. */
const MAX_ARGUMENTS = 4096;

/** Reused by every string; what a string needs is copied out of it before the next one. */
const octets: number[] = [];

/** The octets at `start`…`end` as a string, one character an octet. */
export function octetText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  for (let at = 0; at < length; at++) octets[at] = bytes[start + at]!;
  return takeText(length);
}

/**
 * The Huffman string at `start`…`end` as a string, one character an octet.
 *
 * @throws {HpackError} as {@linkcode decodeHuffman} does.
 */
export function huffmanText(bytes: Uint8Array, start: number, end: number): string {
  return takeText(decodeHuffman(bytes, start, end, octets));
}

function takeText(length: number): string {
  let text = "";
  if (length > MAX_ARGUMENTS) {
    for (let at = 0; at < length; at += MAX_ARGUMENTS) {
      const part = octets.slice(at, Math.min(at + MAX_ARGUMENTS, length));
      text += String.fromCharCode.apply(null, part);
    }
    octets.length = 0;
    return text;
  }
  octets.length = length;
  return String.fromCharCode.apply(null, octets);
}
