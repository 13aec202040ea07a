/** What is kept of a body to be sent again; more is not kept, and the call stays where it is. */
const MAX_KEPT_BYTES = 64 * 1024;

/**
 * The body of a request, read chunk by chunk. Its beginning is kept until the peer has answered, so
 * that a call which did not begin at one peer can be made at another.
 */
export class RequestBody {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #kept: Promise<Uint8Array | undefined>[] = [];
  /** How many chunks before the kept ones were forgotten. */
  #forgotten = 0;
  #keptBytes = 0;
  #remembers = true;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** Whether it can be sent again from its beginning. */
  get repeatable(): boolean {
    return this.#forgotten === 0;
  }

  /** The chunk at that position, or the one after the last that was asked for; `undefined` after the last. */
  chunk(at: number): Promise<Uint8Array | undefined> {
    const kept = this.#kept[at - this.#forgotten];
    if (kept !== undefined) return kept;
    const next = this.#next();
    this.#kept.push(next);
    if (!this.#remembers) this.forget();
    return next;
  }

  /** The peer has answered: nothing needs to be kept. */
  forget(): void {
    this.#remembers = false;
    this.#forgotten += this.#kept.length;
    this.#kept = [];
  }

  /** Nothing more is read from it. */
  close(): void {
    this.forget();
    // Whether there is anything to clean up is the iterable's business, and it may be busy for long.
    Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#iterator.next();
    if (next.done === true) return undefined;
    this.#keptBytes += next.value.byteLength;
    if (this.#keptBytes > MAX_KEPT_BYTES) this.#remembers = false;
    return next.value;
  }
}
