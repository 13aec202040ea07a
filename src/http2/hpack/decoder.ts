import type { DecodedBlock } from "./decoded_block.ts";
import { DecodedBlockCache } from "./decoded_block_cache.ts";
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from "./dynamic_table.ts";
import { HpackError } from "./hpack_error.ts";
import { type BlockCursor, takeInteger } from "./integer.ts";
import { STATIC_TABLE_LENGTH, staticNames, staticValues } from "./static_table.ts";
import { huffmanText, octetText } from "./text.ts";

/** Until our SETTINGS are acknowledged the table has this size (RFC 9113 §6.5.2). */
export const INITIAL_TABLE_BYTES = 4096;

/** Decodes the header blocks of one direction of a connection, RFC 7541. Every block must pass through it, in order. */
export class HpackDecoder<Note = never> {
  readonly #table = new DynamicTable(INITIAL_TABLE_BYTES);
  readonly #cache = new DecodedBlockCache<Note>();
  readonly #maxListBytes: number;
  #limitBytes = INITIAL_TABLE_BYTES;

  /** @param maxListBytes fields beyond it are decoded and counted, but not kept. */
  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes;
  }

  /** The table size that the peer has acknowledged; it must come down to it in its next block. */
  limitTable(bytes: number): void {
    this.#limitBytes = bytes;
  }

  /**
   * Decodes the block at `start`…`end`.
   *
   * @throws {HpackError} after which the table is of no use.
   */
  decode(bytes: Uint8Array, start: number, end: number): DecodedBlock<Note> {
    const table = this.#table;
    const place = this.#cache.find(bytes, start, end, table.generation);
    if (place?.block) return place.block;
    const generation = table.generation;
    const cursor: BlockCursor = { bytes, at: start, end };
    this.#takeSizeUpdates(cursor);
    const block = this.#takeFields(cursor);
    if (place && table.generation === generation) this.#cache.keep(place, bytes, start, end, block);
    return block;
  }

  #takeSizeUpdates(cursor: BlockCursor): void {
    // RFC 7541 §4.2: at most the smallest size since the last block, and the final one.
    for (let updates = 0; cursor.at < cursor.end; updates++) {
      if ((cursor.bytes[cursor.at]! & 0xe0) !== 0x20) break;
      if (updates === 2) throw new HpackError("more than two table size updates");
      const size = takeInteger(cursor, 5);
      if (size > this.#limitBytes) throw new HpackError("a table size above the limit");
      this.#table.resize(size);
    }
    if (this.#table.maxBytes > this.#limitBytes) {
      throw new HpackError("the table was not reduced to the acknowledged size");
    }
  }

  #takeFields(cursor: BlockCursor): DecodedBlock<Note> {
    const fields: string[] = [];
    let listBytes = 0;
    while (cursor.at < cursor.end) {
      const first = cursor.bytes[cursor.at]!;
      let name: string;
      let value: string;
      if (first >= 0x80) {
        const index = takeInteger(cursor, 7);
        name = this.#nameAt(index);
        value = this.#valueAt(index);
      } else if (first >= 0x20 && first < 0x40) {
        throw new HpackError("a table size update after the first field");
      } else {
        const indexing = first >= 0x40;
        const index = takeInteger(cursor, indexing ? 6 : 4);
        name = index === 0 ? takeString(cursor) : this.#nameAt(index);
        value = takeString(cursor);
        if (indexing) this.#table.insert(name, value);
      }
      listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
      if (listBytes <= this.#maxListBytes) fields.push(name, value);
    }
    return { fields, listBytes, note: undefined };
  }

  #nameAt(index: number): string {
    if (index <= STATIC_TABLE_LENGTH && index > 0) return staticNames[index]!;
    return this.#table.nameAt(this.#dynamicIndex(index));
  }

  #valueAt(index: number): string {
    if (index <= STATIC_TABLE_LENGTH && index > 0) return staticValues[index]!;
    return this.#table.valueAt(this.#dynamicIndex(index));
  }

  #dynamicIndex(index: number): number {
    const at = index - STATIC_TABLE_LENGTH - 1;
    if (at < 0 || at >= this.#table.length) throw new HpackError(`no entry at index ${index}`);
    return at;
  }
}

function takeString(cursor: BlockCursor): string {
  if (cursor.at >= cursor.end) throw new HpackError("a header block ends inside a field");
  const huffman = cursor.bytes[cursor.at]! >= 0x80;
  const length = takeInteger(cursor, 7);
  const start = cursor.at;
  const end = start + length;
  if (end > cursor.end) throw new HpackError("a string is longer than its header block");
  cursor.at = end;
  return huffman ? huffmanText(cursor.bytes, start, end) : octetText(cursor.bytes, start, end);
}
