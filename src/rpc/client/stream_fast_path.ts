/**
 * Fast path: messages of a stream in binary form over Connect are written and read here, one promise each, not by three
 * generators of connect-es on their way out and four on their way in. Compression is not offered: a message of 1 KiB or
 * more was gzipped otherwise, 1.7 ms each of 64 KiB. What it brought is in `docs/performance-changes.md`. The plain
 * path is connect-es on `plain_exchange.ts`: gRPC, JSON, interceptors and named compressions take it.
 */
import type {
  DescMessage,
  DescMethodStreaming,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport } from "@connectrpc/connect";
import type { ClientConnection } from "../../http2/mod.ts";
import { Taken } from "../../values/mod.ts";
import { readBinary, writeBinary } from "../wire/binary_form.ts";
import { tooLargeToSend } from "../wire/call_errors.ts";
import type { RpcLimits } from "../wire/limits.ts";
import { iteratorOf } from "./caller_input.ts";
import { type PreparedStream, type PrepareOptions, prepareRequest } from "./prepared_request.ts";
import { StreamExchange, type StreamExchangeOptions } from "./stream_exchange.ts";
import type { TransportOptions } from "./transport_options.ts";
import { callTime, fieldsOf } from "./unary_fast_path.ts";

/** `Transport.stream` on the fast path: binary form over Connect, without interceptors and without compression. */
export function createFastStream(options: TransportOptions): Transport["stream"] {
  const { connection, ended } = options;
  const prepared = new WeakMap<DescMethodStreaming, PreparedStream>();

  return async function stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    let request = prepared.get(method);
    if (request === undefined) prepared.set(method, request = prepareStream(method, options));
    return await callStream(connection, method, request, input, {
      timeoutMs: callTime(timeoutMs, options.timeoutMs),
      signal,
      fields: options.fields === undefined && header === undefined
        ? undefined
        : await fieldsOf(header, options),
      ended,
    });
  };
}

/** What requests of a method have in common on the fast path. */
export function prepareStream(
  method: DescMethodStreaming,
  { authority, scheme, limits }: Pick<PrepareOptions, "authority" | "scheme" | "limits">,
): PreparedStream {
  return prepareRequest(method, { authority, scheme, limits });
}

/** A response whose messages may be taken as they arrive. */
export interface FastStreamResponse<I extends DescMessage, O extends DescMessage>
  extends StreamResponse<I, O> {
  readonly message: ReceivedMessages<O>;
}

/**
 * Makes a call with streams on the fast path. Resolves once the header section of the response has arrived.
 *
 * @throws {ConnectError} where there is no response to be read: the error that it carries, or what is wrong with it.
 */
export async function callStream<I extends DescMessage, O extends DescMessage>(
  connection: ClientConnection,
  method: DescMethodStreaming<I, O>,
  request: PreparedStream,
  input: AsyncIterable<MessageInitShape<I>>,
  options: StreamExchangeOptions,
): Promise<FastStreamResponse<I, O>> {
  const sent = new SentMessages(method.input, request.limits, input);
  const exchange = new StreamExchange(connection, request, {
    ...options,
    ended(error) {
      sent.stop(error === LEFT ? undefined : error);
      options.ended?.(error);
    },
  });
  void sent.sendAll(exchange);
  const { header, trailer } = await exchange.begun();
  const message = new ReceivedMessages(method.output, exchange);
  return { stream: true, service: method.parent, method, header, trailer, message };
}

/** The caller's messages, which are read no faster than the stream takes them. */
class SentMessages<I extends DescMessage> {
  readonly #type: I;
  readonly #limits: RpcLimits;
  /** Where the messages come from, until there are no more. */
  #source: AsyncIterator<MessageInitShape<I>> | undefined;
  #isOver = false;

  constructor(type: I, limits: RpcLimits, input: AsyncIterable<MessageInitShape<I>>) {
    this.#type = type;
    this.#limits = limits;
    this.#source = iteratorOf(input);
  }

  async sendAll(exchange: StreamExchange): Promise<void> {
    const source = this.#source;
    if (source === undefined) return;
    try {
      while (!this.#isOver) {
        let result: IteratorResult<MessageInitShape<I>> | undefined;
        try {
          result = await source.next();
        } catch (error) {
          this.#source = undefined;
          throw error;
        }
        if (this.#isOver) return;
        if (result.done) {
          this.#source = undefined;
          return exchange.end();
        }
        const isReady = exchange.send(this.#write(result.value), true);
        // What was sent is kept no longer while the service does not read.
        result = undefined;
        if (!isReady) {
          await new Promise<void>((resume) => exchange.onWritable = resume);
        }
      }
    } catch (error) {
      if (!this.#isOver) exchange.cancel(ConnectError.from(error, Code.Aborted));
    }
  }

  /** No more are sent, because the call is over: `error` is why, where it failed. */
  stop(error: ConnectError | undefined): void {
    this.#isOver = true;
    this.#close(error);
  }

  #write(message: MessageInitShape<I>): Uint8Array {
    try {
      const bytes = writeBinary(this.#type, message);
      if (bytes.byteLength <= this.#limits.sendBytes) return bytes;
      throw tooLargeToSend(bytes.byteLength, this.#limits);
    } catch (error) {
      // As a loop that fails does, and connect-es.
      this.#close(undefined);
      throw error;
    }
  }

  #close(error: ConnectError | undefined): void {
    const source = this.#source;
    this.#source = undefined;
    if (source === undefined) return;
    // Whether there is anything to clean up is the iterable's business, and may take long.
    if (error !== undefined) Promise.try(() => source.throw?.(error)).catch(() => {});
    Promise.try(() => source.return?.()).catch(() => {});
  }
}

/** The messages of a response. */
export class ReceivedMessages<O extends DescMessage>
  implements AsyncIterableIterator<MessageShape<O>, undefined> {
  readonly #type: O;
  readonly #exchange: StreamExchange;
  /** How many readers wait, and what the last of them waits for. */
  #waiting = 0;
  #last: Promise<unknown> | undefined;
  #isLeft = false;

  /** @param type what the messages are. */
  constructor(type: O, exchange: StreamExchange) {
    this.#type = type;
    this.#exchange = exchange;
  }

  /**
   * The next message that has arrived already; `undefined` where only `next` tells.
   *
   * @throws {ConnectError} as `next`.
   */
  take(): MessageShape<O> | undefined {
    if (this.#waiting > 0 || this.#isLeft) return undefined;
    const bytes = this.#exchange.take();
    return bytes && this.#read(bytes);
  }

  /** @throws {ConnectError} the error that the response ends with, or why there is no more of it. */
  next(): Promise<IteratorResult<MessageShape<O>, undefined>> {
    let message: MessageShape<O> | undefined;
    try {
      message = this.take();
    } catch (error) {
      return Promise.reject(error);
    }
    if (message !== undefined) return Promise.resolve(new Taken(message));
    return this.#last = this.#receive(this.#last);
  }

  /** The reader has left: the call ends at once. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.#isLeft = true;
    this.#exchange.cancel(LEFT);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The same, with what the reader has failed with. */
  throw(reason?: unknown): Promise<never> {
    const error = ConnectError.from(reason);
    this.#exchange.cancel(error);
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #receive(
    before: Promise<unknown> | undefined,
  ): Promise<IteratorResult<MessageShape<O>, undefined>> {
    this.#waiting++;
    try {
      if (before !== undefined) await before.catch(() => {});
      const bytes = this.#isLeft ? undefined : await this.#exchange.next();
      if (bytes === undefined) return { done: true, value: undefined };
      return new Taken(this.#read(bytes));
    } catch (error) {
      if (this.#isLeft) return { done: true, value: undefined };
      throw error;
    } finally {
      if (--this.#waiting === 0) this.#last = undefined;
    }
  }

  #read(bytes: Uint8Array): MessageShape<O> {
    try {
      return readBinary(this.#type, bytes);
    } catch (error) {
      this.#exchange.cancel(error as ConnectError);
      throw error;
    }
  }
}

/** Ready-made: an error that is made at every leaving costs ten times as much. */
const LEFT = new ConnectError("the caller left the stream", Code.Canceled);
