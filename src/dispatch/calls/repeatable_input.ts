import { iteratorOf } from "../../rpc/mod.ts";

/** Messages that are kept to be sent again; after more than these, the call stays where it is. */
const MAX_KEPT = 16;

/**
 * The messages that a caller streams. Each iterator begins with the first of them, until a worker has
 * begun the call: so one that did not begin at one worker can be made at another.
 */
export class RepeatableInput<Message> implements AsyncIterable<Message> {
  readonly #source: AsyncIterator<Message>;
  #kept: Promise<IteratorResult<Message>>[] | undefined = [];
  #isClosed = false;

  /** @throws {ConnectError} where the messages cannot be iterated. */
  constructor(messages: AsyncIterable<Message>) {
    this.#source = iteratorOf(messages);
  }

  /** Whether it can be read again from its beginning. */
  get repeatable(): boolean {
    return this.#kept !== undefined;
  }

  /** A worker has begun the call: nothing more is kept. */
  begun(): void {
    this.#kept = undefined;
  }

  /** Nothing more is read from it; `error` is why, where the call failed. */
  close(error?: unknown): void {
    this.begun();
    if (this.#isClosed) return;
    this.#isClosed = true;
    const source = this.#source;
    // Whether there is anything to clean up is the iterable's business; it may take long, and throw at once.
    Promise.try(() =>
      error !== undefined && source.throw !== undefined ? source.throw(error) : source.return?.()
    ).catch(() => {});
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    let behind = this.#kept;
    let at = 0;
    return {
      next: () => {
        const kept = behind?.[at++];
        if (kept !== undefined) return kept;
        behind = this.#kept;
        return this.#next();
      },
      return: (value) => {
        // One attempt is over; the input is, once no other may follow.
        if (!this.repeatable) this.close();
        return Promise.resolve({ done: true, value });
      },
      throw: (error) => {
        if (!this.repeatable) this.close(error);
        return Promise.reject(error);
      },
    };
  }

  #next(): Promise<IteratorResult<Message>> {
    const next = this.#source.next();
    if (this.#kept?.length === MAX_KEPT) this.#kept = undefined;
    this.#kept?.push(next);
    return next;
  }
}
