/** What RFC 7541 §4.1 adds to the octets of a name and a value. */
export const ENTRY_OVERHEAD_BYTES = 32;

/** A power of two. */
const LEAST_PLACES = 8;

/**
 * The dynamic table of RFC 7541 §2.3.2: a queue of fields, the newest at index 0, evicted from the
 * oldest end where `maxBytes` is exceeded. `generation` changes whenever an index may mean something else.
 */
export class DynamicTable {
  generation = 0;
  length = 0;
  bytes = 0;
  /** How many entries were ever inserted; the sequence number of the next one. */
  inserted = 0;
  /** A power of two of places, or none before the first entry. */
  #names: string[] = [];
  #values: string[] = [];
  #maxBytes: number;
  readonly #evicted: ((name: string, value: string, sequence: number) => void) | undefined;

  /** @param evicted called with each entry that leaves, with its sequence number. */
  constructor(
    maxBytes: number,
    evicted?: (name: string, value: string, sequence: number) => void,
  ) {
    this.#maxBytes = maxBytes;
    this.#evicted = evicted;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.generation++;
    this.#evictTo(maxBytes);
  }

  nameAt(index: number): string {
    return this.#names[this.#slot(this.inserted - 1 - index)]!;
  }

  valueAt(index: number): string {
    return this.#values[this.#slot(this.inserted - 1 - index)]!;
  }

  /** Inserts a field; one larger than the table empties it (RFC 7541 §4.4). */
  insert(name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.generation++;
    if (size > this.#maxBytes) {
      this.#evictTo(0);
      return;
    }
    this.#evictTo(this.#maxBytes - size);
    if (this.length === this.#names.length) this.#grow();
    const slot = this.#slot(this.inserted);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.inserted++;
    this.length++;
    this.bytes += size;
  }

  #slot(sequence: number): number {
    return sequence & (this.#names.length - 1);
  }

  #evictTo(bytes: number): void {
    while (this.bytes > bytes) {
      const sequence = this.inserted - this.length;
      const slot = this.#slot(sequence);
      const name = this.#names[slot]!;
      const value = this.#values[slot]!;
      this.#names[slot] = this.#values[slot] = "";
      this.bytes -= name.length + value.length + ENTRY_OVERHEAD_BYTES;
      this.length--;
      this.#evicted?.(name, value, sequence);
    }
  }

  #grow(): void {
    const places = Math.max(LEAST_PLACES, this.#names.length * 2);
    const names: string[] = new Array(places);
    const values: string[] = new Array(places);
    for (let sequence = this.inserted - this.length; sequence < this.inserted; sequence++) {
      const slot = sequence & (names.length - 1);
      names[slot] = this.#names[this.#slot(sequence)]!;
      values[slot] = this.#values[this.#slot(sequence)]!;
    }
    this.#names = names;
    this.#values = values;
  }
}
