import type { HeaderList } from "../header_list.ts";

/** How many lists are known by identity; what a program sends again and again is a handful. */
const MAX_LISTS = 256;

/** How many lists of late are remembered in case they come again; a power of two. */
const RECENT = 16;

/**
 * Notes on the header lists that are sent again and again, by identity. A list is taken up the second
 * time it is seen among the last few, so that lists made for one message cost nothing.
 */
export class RepeatedLists<Note> {
  readonly #noteFor: (fields: HeaderList) => Note;
  /** Made when the first list is taken up: connections that carry few calls need none. */
  #known: Map<HeaderList, Note> | undefined;
  /** A ring, which is made as large as what was seen so far. */
  #recent: HeaderList[] = [];
  #next = 0;

  /** @param noteFor makes the note of a list when it is taken up. */
  constructor(noteFor: (fields: HeaderList) => Note) {
    this.#noteFor = noteFor;
  }

  /** The note on `fields`, or `undefined` where the list was not seen of late. */
  find(fields: HeaderList): Note | undefined {
    const known = this.#known?.get(fields);
    if (known !== undefined) return known;
    if (!this.#recent.includes(fields)) {
      if (this.#next < RECENT) this.#recent = [...this.#recent, fields];
      else this.#recent[this.#next & (RECENT - 1)] = fields;
      this.#next++;
      return undefined;
    }
    const all = this.#known ??= new Map();
    if (all.size >= MAX_LISTS) all.delete(all.keys().next().value!);
    const note = this.#noteFor(fields);
    all.set(fields, note);
    return note;
  }
}
