import type { HeaderList } from "../header_list.ts";
import { RepeatedLists } from "../fields/repeated_lists.ts";
import { INITIAL_TABLE_BYTES } from "./decoder.ts";
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from "./dynamic_table.ts";
import { FieldIndex } from "./field_index.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { encodeInteger, MAX_INTEGER_BYTES } from "./integer.ts";
import { STATIC_TABLE_LENGTH } from "./static_table.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** Names beyond this many are written without a look at the table, so that callers cannot fill the memory. */
const MAX_KNOWN_NAMES = 1024;

/** A field's two strings with their lengths, and its own index. */
const MAX_FIELD_OVERHEAD_BYTES = 3 * MAX_INTEGER_BYTES;

/** The most octets that the block of `fields` takes, table size updates included. */
export function maxBlockBytes(fields: HeaderList): number {
  let bytes = 2 * MAX_INTEGER_BYTES;
  for (let at = 0; at < fields.length; at++) bytes += fields[at]!.length;
  return bytes + (fields.length / 2) * MAX_FIELD_OVERHEAD_BYTES;
}

/** The block of a list that was sent before, right while the table is at `generation`. */
interface SentBlock {
  generation: number;
  block: Uint8Array;
}

/**
 * Encodes the header blocks of one direction of a connection, RFC 7541. What was encoded must be
 * sent, in the order in which it was encoded.
 */
export class HpackEncoder {
  readonly #names: Map<string, FieldIndex> = new Map();
  readonly #sent: RepeatedLists<SentBlock> = new RepeatedLists(unsentBlock);
  readonly #table: DynamicTable;
  readonly #preferredBytes: number;
  /** Sizes that the next block has to announce: the smallest since the last block, and the final one. */
  #smallestUpdate = -1;
  #finalUpdate = -1;

  /** @param preferredBytes the most that we use of the table that the peer allows. */
  constructor(preferredBytes: number) {
    this.#preferredBytes = preferredBytes;
    this.#table = new DynamicTable(INITIAL_TABLE_BYTES, (name, value, sequence) => {
      const index = this.#names.get(name);
      index?.evicted(value, sequence);
    });
    if (preferredBytes < INITIAL_TABLE_BYTES) this.allowTable(INITIAL_TABLE_BYTES);
  }

  /** Applies the peer's SETTINGS_HEADER_TABLE_SIZE; the next block announces the change (RFC 7541 §4.2). */
  allowTable(bytes: number): void {
    const size = Math.min(bytes, this.#preferredBytes);
    if (this.#finalUpdate < 0) {
      if (size === this.#table.maxBytes) return;
      this.#smallestUpdate = size;
    }
    this.#smallestUpdate = Math.min(this.#smallestUpdate, size);
    this.#finalUpdate = size;
  }

  /**
   * Encodes `fields` (characters up to 255) at `at`, where there is room for {@linkcode maxBlockBytes}.
   *
   * @returns where the block ends.
   */
  encode(fields: HeaderList, out: Uint8Array, at: number): number {
    if (this.#finalUpdate >= 0) at = this.#announceSize(out, at);
    const generation = this.#table.generation;
    const sent = this.#sent.find(fields);
    if (sent && sent.generation === generation) {
      const block = sent.block;
      for (let index = 0; index < block.length; index++) out[at + index] = block[index]!;
      return at + block.length;
    }
    const start = at;
    for (let field = 0; field < fields.length; field += 2) {
      at = this.#encodeField(fields[field]!, fields[field + 1]!, out, at);
    }
    if (sent && this.#table.generation === generation) {
      sent.block = out.slice(start, at);
      sent.generation = generation;
    }
    return at;
  }

  #announceSize(out: Uint8Array, at: number): number {
    if (this.#smallestUpdate < this.#finalUpdate) {
      this.#table.resize(this.#smallestUpdate);
      at = encodeInteger(this.#smallestUpdate, 5, 0x20, out, at);
    }
    this.#table.resize(this.#finalUpdate);
    at = encodeInteger(this.#finalUpdate, 5, 0x20, out, at);
    this.#smallestUpdate = this.#finalUpdate = -1;
    return at;
  }

  #encodeField(name: string, value: string, out: Uint8Array, at: number): number {
    const index = this.#indexOf(name);
    if (index === undefined) {
      out[at] = 0x00;
      return encodeString(value, out, encodeString(name, out, at + 1));
    }
    const known = index.staticIndexOf(value) || this.#dynamicIndex(index.sequenceOf(value));
    if (known > 0) return encodeInteger(known, 7, 0x80, out, at);
    const nameIndex = index.staticIndex || this.#dynamicIndex(index.newestSequence);
    const indexing = index.indexing;
    if (indexing === "index" && this.#fits(name, value)) {
      at = encodeLiteral(nameIndex, name, value, 6, 0x40, out, at);
      index.inserted(value, this.#table.inserted);
      this.#table.insert(name, value);
      return at;
    }
    return encodeLiteral(nameIndex, name, value, 4, indexing === "never" ? 0x10 : 0, out, at);
  }

  #indexOf(name: string): FieldIndex | undefined {
    const known = this.#names.get(name);
    if (known) return known;
    if (this.#names.size >= MAX_KNOWN_NAMES) return undefined;
    const index = new FieldIndex(name);
    this.#names.set(name, index);
    return index;
  }

  #dynamicIndex(sequence: number): number {
    return sequence < 0 ? 0 : STATIC_TABLE_LENGTH + this.#table.inserted - sequence;
  }

  /** One large field must not push everything else out of the table. */
  #fits(name: string, value: string): boolean {
    return (name.length + value.length + ENTRY_OVERHEAD_BYTES) * 2 <= this.#table.maxBytes;
  }
}

function unsentBlock(): SentBlock {
  return { generation: -1, block: NO_BYTES };
}

function encodeLiteral(
  nameIndex: number,
  name: string,
  value: string,
  prefixBits: number,
  pattern: number,
  out: Uint8Array,
  at: number,
): number {
  at = encodeInteger(nameIndex, prefixBits, pattern, out, at);
  if (nameIndex === 0) at = encodeString(name, out, at);
  return encodeString(value, out, at);
}

/** The shorter of both forms, the plain one where they are equal. */
function encodeString(text: string, out: Uint8Array, at: number): number {
  const huffman = huffmanLength(text);
  if (huffman < text.length) {
    return encodeHuffman(text, out, encodeInteger(huffman, 7, 0x80, out, at));
  }
  at = encodeInteger(text.length, 7, 0x00, out, at);
  for (let index = 0; index < text.length; index++) out[at++] = text.charCodeAt(index);
  return at;
}
