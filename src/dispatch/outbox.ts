/** Messages to send, in order, to whoever iterates; it waits where there is none. */
export class Outbox<Message> implements AsyncIterable<Message> {
  readonly #messages: Message[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** Adds a message. */
  put(message: Message): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** Nothing more will be added. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The messages, until the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) yield message;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
