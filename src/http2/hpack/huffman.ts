import { END_OF_STRING, huffmanBits, huffmanCodes } from "./huffman_code.ts";
import { HpackError } from "./hpack_error.ts";

/** Octets that `text` (one character an octet) takes as a Huffman string. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits += huffmanBits[text.charCodeAt(at)]!;
  return (bits + 7) >> 3;
}

/** Writes `text` as a Huffman string at `at`, and returns where it ends. */
export function encodeHuffman(text: string, out: Uint8Array, at: number): number {
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index);
    let code = huffmanCodes[symbol]!;
    let bits = huffmanBits[symbol]!;
    // At most 7 bits are pending, so that 24 more still fit a 31-bit integer.
    if (bits > 24) {
      const low = bits - 24;
      pending = (pending << 24) | (code >>> low);
      pendingBits += 24;
      while (pendingBits >= 8) out[at++] = pending >> (pendingBits -= 8);
      pending &= 0xff;
      code &= (1 << low) - 1;
      bits = low;
    }
    pending = (pending << bits) | code;
    pendingBits += bits;
    while (pendingBits >= 8) out[at++] = pending >> (pendingBits -= 8);
    pending &= 0xff;
  }
  // RFC 7541 §5.2: padded with the most significant bits of EOS, all ones.
  if (pendingBits > 0) out[at++] = (pending << (8 - pendingBits)) | (0xff >> pendingBits);
  return at;
}

/**
 * Decodes the Huffman string at `start`…`end` to the beginning of `out`, and returns how many octets
 * it has.
 *
 * @throws {HpackError} for EOS inside, or a padding that is not fewer than eight ones.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: number[],
): number {
  const { steps, mayEnd } = decoder ??= buildDecoder();
  let node = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    let step = steps[(node << 4) | (byte >> 4)]!;
    if (step & EMITS) out[length++] = step & 0xff;
    node = step >> NODE_SHIFT;
    step = steps[(node << 4) | (byte & 15)]!;
    if (step & EMITS) out[length++] = step & 0xff;
    node = step >> NODE_SHIFT;
  }
  if (!mayEnd[node]) throw new HpackError("a Huffman string ends wrongly or contains EOS");
  return length;
}

/** A step holds the octet it emits (8 bits), whether it emits one, and the node it leads to. */
const EMITS = 0x100;
const NODE_SHIFT = 9;

interface Decoder {
  /** By node and next four bits. The shortest code has five bits, so that four emit one octet at most. */
  readonly steps: Int32Array;
  /** By node, whether a string may end there. */
  readonly mayEnd: Uint8Array;
}

/** Made with the first string: its loops are long enough that V8 optimizes them, for which an idle process pays. */
let decoder: Decoder | undefined;

function buildDecoder(): Decoder {
  // Inner nodes of the code's tree: children by bit, a leaf as -1 - symbol.
  const children: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol < END_OF_STRING; symbol++) {
    let node = 0;
    for (let bit = huffmanBits[symbol]! - 1; bit >= 0; bit--) {
      const side = (huffmanCodes[symbol]! >>> bit) & 1;
      if (bit === 0) children[node]![side] = -1 - symbol;
      else if (children[node]![side] === 0) {
        children[node]![side] = children.push([0, 0]) - 1;
        node = children.length - 1;
      } else node = children[node]![side]!;
    }
  }
  // The path of EOS ends in a node from which nothing leads out; every later step stays there.
  const dead = children.length;
  const table = new Int32Array((dead + 1) << 4).fill(dead << NODE_SHIFT);
  for (let from = 0; from < dead; from++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = from;
      let emitted = 0;
      for (let bit = 3; bit >= 0 && node !== dead; bit--) {
        const next = children[node]![(bits >> bit) & 1]!;
        if (next < 0) emitted = EMITS | (-1 - next);
        node = next < 0 ? 0 : next === 0 ? dead : next;
      }
      table[(from << 4) | bits] = node === dead ? dead << NODE_SHIFT : node << NODE_SHIFT | emitted;
    }
  }
  // A string may end at the root, or where only ones, at most seven of them, followed the last octet.
  const ends = new Uint8Array(dead + 1);
  for (let node = 0, ones = 0; ones < 8; ones++, node = children[node]![1]!) ends[node] = 1;
  return { steps: table, mayEnd: ends };
}
