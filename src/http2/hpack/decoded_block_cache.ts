import type { DecodedBlock } from "./decoded_block.ts";

/** Blocks longer than this are decoded anew each time. */
const MAX_CACHED_BYTES = 512;

/** A power of two; what a connection says again and again is a handful of lists. */
const MOST_PLACES = 128;
/** A power of two: what an idle connection has. */
const PLACES_AT_FIRST = 4;

/** Where a block is, or would be, kept. */
export interface CachePlace<Note> {
  /** The kept block, where it is the one looked for. */
  block: DecodedBlock<Note> | undefined;
  hash: number;
  generation: number;
  bytes: Uint8Array | undefined;
  kept: DecodedBlock<Note> | undefined;
}

/**
 * Decoded blocks by their octets and the table's generation. A block is kept from its second
 * appearance on, so that blocks that never come again cost no copy.
 */
export class DecodedBlockCache<Note> {
  #places: (CachePlace<Note> | undefined)[] = new Array(PLACES_AT_FIRST).fill(undefined);

  /**
   * The place of the block at `start`…`end`, with `block` set where it is kept there; `undefined`
   * for a block that is never kept.
   */
  find(
    bytes: Uint8Array,
    start: number,
    end: number,
    generation: number,
  ): CachePlace<Note> | undefined {
    if (end - start > MAX_CACHED_BYTES) return undefined;
    const hash = hashOctets(bytes, start, end);
    const place = this.#placeOf(hash);
    place.block = undefined;
    if (place.hash !== hash || place.generation !== generation) {
      place.hash = hash;
      place.generation = generation;
      place.bytes = place.kept = undefined;
    } else if (place.bytes === undefined) {
      place.bytes = NOT_YET;
    } else if (equalOctets(place.bytes, bytes, start, end)) {
      place.block = place.kept;
    }
    return place;
  }

  /** A place of its own where there is room for it, else that of another block. */
  #placeOf(hash: number): CachePlace<Note> {
    let place = this.#places[hash & (this.#places.length - 1)];
    while (place !== undefined && place.hash !== hash && this.#places.length < MOST_PLACES) {
      this.#grow();
      place = this.#places[hash & (this.#places.length - 1)];
    }
    return place ?? (this.#places[hash & (this.#places.length - 1)] = emptyPlace());
  }

  #grow(): void {
    const places = this.#places;
    this.#places = new Array(2 * places.length).fill(undefined);
    for (const place of places) {
      if (place !== undefined) this.#places[place.hash & (this.#places.length - 1)] = place;
    }
  }

  /** Keeps `block` where {@linkcode DecodedBlockCache.find} has seen its hash before. */
  keep(
    place: CachePlace<Note>,
    bytes: Uint8Array,
    start: number,
    end: number,
    block: DecodedBlock<Note>,
  ): void {
    if (place.bytes === undefined) return;
    place.bytes = bytes.slice(start, end);
    place.kept = block;
  }
}

const NOT_YET = new Uint8Array(0);

function emptyPlace<Note>(): CachePlace<Note> {
  return { block: undefined, hash: -1, generation: -1, bytes: undefined, kept: undefined };
}

/** FNV-1a over the octets and their number. */
function hashOctets(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}

function equalOctets(kept: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (kept.length !== end - start) return false;
  for (let at = 0; at < kept.length; at++) {
    if (kept[at] !== bytes[start + at]) return false;
  }
  return true;
}
