/** What a {@linkcode BodyReader} reports to the stream it reads from. */
export interface BodySource {
  /** That many bytes were read, or dropped: the peer may send as many again. */
  release(count: number): void;
  /** The reader stopped before the body ended. */
  abandoned(): void;
}

/**
 * The body of a request or response as an async iterable. Credit returns to the peer as chunks are
 * read, so that a reader which does not read stops the writer.
 */
export class BodyReader implements AsyncIterableIterator<Uint8Array> {
  readonly #source: BodySource;
  #chunks: Uint8Array[] = [];
  #waiting: WaitingReader[] = [];
  #state: BodyState = { name: "open" };

  #credited: number;

  /** @param credited bytes at the beginning whose credit the peer has already. */
  constructor(source: BodySource, credited = 0) {
    this.#source = source;
    this.#credited = credited;
  }

  /** Bytes that have arrived and not been read. */
  get heldBytes(): number {
    return this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Bytes arrived. */
  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    if (this.#state.name !== "open") {
      this.#release(bytes.byteLength);
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined) {
      this.#chunks.push(bytes);
      return;
    }
    this.#release(bytes.byteLength);
    waiting.resolve({ done: false, value: bytes });
  }

  /** The body is complete; what is left can be read. */
  end(): void {
    if (this.#state.name !== "open") return;
    this.#state = { name: "ended" };
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
  }

  /** The body will not be complete: what is left is dropped, and reading throws `error`. */
  fail(error: Error): void {
    if (this.#state.name === "abandoned" || this.#state.name === "failed") return;
    this.#state = { name: "failed", error };
    this.#drop();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#release(chunk.byteLength);
      return Promise.resolve({ done: false, value: chunk });
    }
    switch (this.#state.name) {
      case "open":
        return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
      case "failed":
        return Promise.reject(this.#state.error);
      default:
        return Promise.resolve(DONE);
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.abandon();
    return Promise.resolve(DONE);
  }

  throw(error?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    this.abandon();
    return Promise.reject(error);
  }

  /** Drops what is left and whatever still comes. */
  abandon(): void {
    const early = this.#state.name === "open";
    if (this.#state.name === "abandoned") return;
    this.#state = { name: "abandoned" };
    this.#drop();
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
    if (early) this.#source.abandoned();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #release(count: number): void {
    const before = Math.min(count, this.#credited);
    this.#credited -= before;
    if (count > before) this.#source.release(count - before);
  }

  #drop(): void {
    for (const chunk of this.#chunks.splice(0)) this.#release(chunk.byteLength);
  }
}

/** Whether a body can be read on. */
export type BodyState =
  | { readonly name: "open" }
  | { readonly name: "ended" }
  | { readonly name: "failed"; readonly error: Error }
  | { readonly name: "abandoned" };

/** A reader that waits for the next piece of a body. */
export interface WaitingReader {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/** The end of a body. */
export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
