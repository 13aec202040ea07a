import { Code, ConnectError } from "@connectrpc/connect";

/**
 * What a caller streams, as connect-es may read it: there is one iterator however often it is asked for one, and none
 * of its methods throws at once. connect-es asks for one more to close it, from within an event, where what it throws
 * would end the process.
 */
export class CallerInput<Message> implements AsyncIterableIterator<Message> {
  readonly #messages: AsyncIterable<Message>;
  #iterator: AsyncIterator<Message> | undefined;

  constructor(messages: AsyncIterable<Message>) {
    this.#messages = messages;
  }

  next(): Promise<IteratorResult<Message>> {
    try {
      return Promise.resolve(this.#source.next());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async return(value?: unknown): Promise<IteratorResult<Message>> {
    return await this.#source.return?.(value) ?? { done: true, value };
  }

  async throw(reason?: unknown): Promise<IteratorResult<Message>> {
    const source = this.#source;
    if (source.throw === undefined) throw reason;
    return await source.throw(reason);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #source(): AsyncIterator<Message> {
    return this.#iterator ??= iteratorOf(this.#messages);
  }
}

/** @throws {ConnectError} where it has none: as what the messages fail with. */
export function iteratorOf<Message>(messages: AsyncIterable<Message>): AsyncIterator<Message> {
  try {
    return messages[Symbol.asyncIterator]();
  } catch (error) {
    throw ConnectError.from(error, Code.Aborted);
  }
}
