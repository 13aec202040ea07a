import { join, recalled, remembered } from "./frames.ts";

/** Frames or streams of one write. */
export const ROUND = 500;

/** What an attacker does with a new stream, given its id and a block of the same fields as ever. */
export type Opened = (id: number, block: Uint8Array) => readonly Uint8Array[];

/**
 * Streams by the hundred, each made once however often it is sent: an attacker has nothing else to do
 * with its time. The fields are in the table, so that a stream costs few octets.
 */
export class Rounds {
  readonly #open: Opened;
  readonly #first: Uint8Array;
  readonly #others: Uint8Array;
  readonly #made: Uint8Array[] = [];

  /** @param fields of every stream's header section. */
  constructor(open: Opened, fields: readonly string[]) {
    this.#open = open;
    this.#first = remembered(fields);
    this.#others = recalled(fields.length / 2);
  }

  /** The n-th round. */
  at(n: number): Uint8Array {
    return this.#made[n] ??= join(
      ...Array.from({ length: ROUND }, (_, at) => {
        const id = 1 + 2 * (n * ROUND + at);
        return this.#open(id, id === 1 ? this.#first : this.#others);
      }).flat(),
    );
  }
}
