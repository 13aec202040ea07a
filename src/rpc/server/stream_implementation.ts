/**
 * Fast path: the messages of a service's streams, from their bytes to its implementation and back, without the
 * iterators that connect-es puts between the two, nor a compression of its own. The plain path is
 * {@linkcode PlainCall}; `protocols_test.ts` and `stream_test.ts` run the same cases through both.
 */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { noteInputFailure } from "../../platform/mod.ts";
import { readBinary, writeBinary } from "../wire/binary_form.ts";
import { DONE } from "../wire/body_reader.ts";
import type { AnswerSink, BytesRequests, FlowingAnswers } from "./bytes_call.ts";
import { FastContext } from "./fast_context.ts";
import type { Implementation } from "./plain_implementation.ts";
import type { StreamHandler } from "./stream_call.ts";

/** How the fast path runs the implementation of a method with a stream either way. */
export function streamHandlerOf(method: DescMethod, invoke: Implementation): StreamHandler {
  return (requests, call) => {
    const context = new FastContext(call);
    return new ServedMessages(method, requests, invoke, context);
  };
}

/** The answers of one call. */
class ServedMessages implements FlowingAnswers {
  readonly #method: DescMethod;
  readonly #requests: BytesRequests;
  readonly #invoke: Implementation;
  readonly #context: FastContext;
  #items: AsyncIterator<Message> | undefined;
  #resume: (() => void) | undefined;
  /** The implementation was left: what it still answers is for nobody. */
  #isLeft = false;
  /** Resolves once the implementation has ended; never rejects. */
  #ended: Promise<unknown> | undefined;

  constructor(
    method: DescMethod,
    requests: BytesRequests,
    invoke: Implementation,
    context: FastContext,
  ) {
    this.#method = method;
    this.#requests = requests;
    this.#invoke = invoke;
    this.#context = context;
  }

  flow(sink: AnswerSink): Promise<void> {
    const flowing = this.#flow(sink);
    this.#ended = flowing.catch(() => {});
    return flowing;
  }

  resume(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isLeft = true;
    this.resume();
    try {
      await this.#items?.return?.();
    } finally {
      await this.#ended;
    }
    return DONE;
  }

  async #flow(sink: AnswerSink): Promise<void> {
    const { input, output, methodKind } = this.#method;
    const request = methodKind === "server_streaming"
      ? readBinary(input, await soleMessage(this.#requests))
      : new RequestItems(this.#method, this.#requests);
    if (this.#isLeft) return;
    const answer = this.#invoke(request as never, this.#context);
    if (methodKind === "client_streaming") {
      sink.send(this.#context.write(output, await answer as Message));
      return;
    }
    const items = this.#items = (answer as AsyncIterable<Message>)[Symbol.asyncIterator]();
    for (;;) {
      let next: IteratorResult<Message> | undefined = await items.next();
      if (next.done || this.#isLeft) return;
      let isReady: boolean;
      try {
        isReady = sink.send(writeBinary(output, next.value));
      } catch (error) {
        // As connect-es does: the implementation learns what its item failed with.
        await Promise.try(() => items.throw?.(error)).catch(() => {});
        await Promise.try(() => items.return?.()).catch(() => {});
        throw error;
      }
      // What was sent is kept no longer while the caller does not read: a large message takes as much as its bytes.
      next = undefined;
      if (!isReady) await new Promise<void>((resolve) => this.#resume = resolve);
      if (this.#isLeft) return;
    }
  }
}

/** The messages of a request, each read when it is asked for. */
class RequestItems implements AsyncIterableIterator<Message, undefined> {
  readonly #method: DescMethod;
  readonly #requests: BytesRequests;
  readonly #read = (result: IteratorResult<Uint8Array, undefined>) =>
    result.done ? DONE : this.#item(result.value);

  constructor(method: DescMethod, requests: BytesRequests) {
    this.#method = method;
    this.#requests = requests;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    try {
      const bytes = this.#requests.take();
      if (bytes !== undefined) return Promise.resolve(this.#item(bytes));
    } catch (error) {
      noteInputFailure(error);
      return Promise.reject(error);
    }
    const next = this.#requests.next().then(this.#read);
    // One that reads ahead and awaits something else must not end the process when its caller leaves.
    next.catch(noteInputFailure);
    return next;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#requests.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #item(bytes: Uint8Array): IteratorYieldResult<Message> {
    try {
      return { done: false, value: readBinary(this.#method.input, bytes) };
    } catch (error) {
      void this.#requests.return?.();
      throw error;
    }
  }
}

/** The message of a request that has one. What is wrong with it is worded as connect-es words it. */
async function soleMessage(requests: BytesRequests): Promise<Uint8Array> {
  const { done, value } = await requests.next();
  if (done) {
    throw new ConnectError(
      "protocol error: missing input message for server-streaming method",
      Code.Unimplemented,
    );
  }
  if ((await requests.next()).done) return value;
  throw new ConnectError(
    "protocol error: received extra input message for server-streaming method",
    Code.Unimplemented,
  );
}
