/** Entries in the order in which they came, and those who wait for one. */
export class Journal<Entry> {
  readonly #entries: Entry[] = [];
  #next = Promise.withResolvers<void>();
  #over = false;

  /** The entries so far. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Adds an entry. */
  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#wake();
  }

  /** Nothing follows: waiting for an entry that is not there rejects. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** Waits for the `count`th entry that is wanted. */
  async until<Wanted extends Entry = Entry>(
    wanted: ((entry: Entry) => entry is Wanted) | ((entry: Entry) => boolean),
    count: number = 1,
  ): Promise<Wanted> {
    for (;;) {
      const found = this.#entries.filter((entry) => wanted(entry))[count - 1];
      if (found !== undefined) return found as Wanted;
      if (this.#over) throw new Error(`ended without it:\n${this.#shown()}`);
      await this.#next.promise;
    }
  }

  #shown(): string {
    return this.#entries.map((entry) => typeof entry === "string" ? entry : JSON.stringify(entry))
      .join("\n");
  }

  #wake(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
