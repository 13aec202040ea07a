import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFlag } from "@connectrpc/connect/protocol-connect";
import type { BodyReader } from "../wire/body_reader.ts";
import { notDecompressible } from "../wire/call_errors.ts";
import { COMPRESSED_FLAG } from "../wire/envelope.ts";
import { EnvelopeSplitter } from "../wire/envelope_splitter.ts";
import type { GatherBudget } from "../wire/gather_budget.ts";

/**
 * The messages of a request that is a stream of Connect without compression. The body is read on only
 * when those that have arrived were read. What is wrong with it is worded as connect-es words it.
 */
export class RequestMessages implements AsyncIterableIterator<Uint8Array> {
  readonly #body: BodyReader;
  readonly #splitter: EnvelopeSplitter;

  /**
   * @param maxBytes the largest message.
   * @param budget what messages in pieces may take.
   */
  constructor(body: BodyReader, maxBytes: number, budget: GatherBudget) {
    this.#body = body;
    this.#splitter = new EnvelopeSplitter(maxBytes, budget);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      for (;;) {
        const message = this.#nextAtHand();
        if (message !== undefined) return { done: false, value: message };
        const piece = await this.#body.next();
        if (piece.done === true) return this.#end();
        this.#splitter.push(piece.value);
      }
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#close();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #nextAtHand(): Uint8Array | undefined {
    for (;;) {
      const message = this.#splitter.next();
      if (message === undefined) return undefined;
      const { flags } = this.#splitter;
      if ((flags & COMPRESSED_FLAG) !== 0) throw notDecompressible();
      // A request has no end but that of its body: one that is declared is passed over.
      if ((flags & endStreamFlag) === 0) return message;
    }
  }

  #end(): IteratorReturnResult<undefined> {
    const torn = this.#splitter.isTorn;
    this.#splitter.drop();
    if (!torn) return DONE;
    throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  }

  #close(): void {
    this.#splitter.drop();
    this.#body.abandon();
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
