import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import type { DescMethod } from "@bufbuild/protobuf";
import { noteInputFailure } from "../../platform/mod.ts";
import { DONE } from "../wire/body_reader.ts";
import { callFailed } from "../wire/call_errors.ts";
import { plainCallKey, type RunningPlainCall } from "./call_context.ts";

/** An implementation of a service's method, whatever its messages are. */
export type Implementation = (request: never, context: HandlerContext) => unknown;

/**
 * An implementation as the plain path calls it: connect-es hands out the requests that it reads itself, and lets go of
 * an implementation only between two answers. Here both are as on the fast path.
 */
export function plainImplementation(method: DescMethod, invoke: Implementation): Implementation {
  switch (method.methodKind) {
    case "unary":
      return invoke;
    case "server_streaming":
      return (request, context) => leavable(invoke(request, context), context);
    case "client_streaming":
      return (requests, context) => invoke(readRequests(requests, context), context);
    case "bidi_streaming":
      return (requests, context) =>
        leavable(invoke(readRequests(requests, context), context), context);
  }
}

/** The answers of an implementation that is left as soon as its caller is gone, or its time is over. */
function leavable(answers: unknown, context: HandlerContext): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const items = (answers as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const call = context.values.get(plainCallKey);
      const leave = () => call?.runsUntil(Promise.try(() => items.return?.()));
      if (call?.hasDeadline === true) return new TimedAnswers(items, call, leave);
      call?.onGone(leave);
      return items;
    },
  };
}

/** Answers that fail when the time of their call is over, also while one is made, or none is asked for. */
class TimedAnswers implements AsyncIterator<unknown> {
  readonly return?: () => Promise<IteratorResult<unknown>>;
  readonly throw?: (error: unknown) => Promise<IteratorResult<unknown>>;
  readonly #answers: AsyncIterator<unknown>;
  #late: ConnectError | undefined;
  #reject: ((error: ConnectError) => void) | undefined;

  constructor(answers: AsyncIterator<unknown>, call: RunningPlainCall, leave: () => void) {
    this.#answers = answers;
    // What an iterator does not have, connect-es does not ask for.
    const end = () => answers.return!();
    const fail = (error: unknown) => answers.throw!(error);
    if (answers.return !== undefined) this.return = end;
    if (answers.throw !== undefined) this.throw = fail;
    call.onGone((late) => {
      this.#late = late;
      leave();
      if (late !== undefined) this.#reject?.(late);
    });
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#late !== undefined) return Promise.reject(this.#late);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      Promise.try(() => this.#answers.next()).then(resolve, reject);
    });
  }
}

function readRequests(requests: unknown, context: HandlerContext): never {
  return new ReadRequests(requests as AsyncIterable<unknown>, context) as never;
}

/** The requests of a call on the plain path. */
class ReadRequests implements AsyncIterableIterator<unknown, undefined> {
  readonly #requests: AsyncIterable<unknown>;
  readonly #context: HandlerContext;
  #reader: AsyncIterator<unknown> | undefined;
  readonly #read = (result: IteratorResult<unknown>) => {
    if (!result.done) return result;
    if (this.#areCutOff) throw callFailed(this.#context.signal.reason);
    return DONE;
  };
  /** The last message may have been cut in two. */
  readonly #threw = (error: unknown): never => {
    throw this.#areCutOff ? callFailed(this.#context.signal.reason) : error;
  };

  constructor(requests: AsyncIterable<unknown>, context: HandlerContext) {
    this.#requests = requests;
    this.#context = context;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const next = Promise.try(() => this.#source.next()).then(this.#read, this.#threw);
    // One that reads ahead and awaits something else must not end the process when its call fails.
    next.catch(noteInputFailure);
    return next;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#source.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #source(): AsyncIterator<unknown> {
    return this.#reader ??= this.#requests[Symbol.asyncIterator]();
  }

  /** Whether the call has failed: what was not read of its request is dropped, and looks complete to connect-es. */
  get #areCutOff(): boolean {
    const { signal } = this.#context;
    return signal.aborted && !isOwnAbort(signal.reason);
  }
}

/** Whether connect-es has aborted a signal because its call is over, without a failure. */
function isOwnAbort(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "AbortError";
}
