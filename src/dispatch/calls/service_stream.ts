/**
 * Fast path: the messages of a stream of a service pass one iterator, which records the call and translates its error,
 * and gives those that have arrived without waiting. In {@linkcode dispatcherTransport} and
 * {@linkcode recordedTransport}, which are the plain path, each message passes a generator for each of the two; what
 * leaving them out brought is in `docs/performance-changes.md`.
 */
import type {
  DescMessage,
  DescMethodStreaming,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { StreamResponse, Transport } from "@connectrpc/connect";
import { type CallRecord, type CallRecords, startClientSpan } from "../../observe/mod.ts";
import {
  callStream,
  type FastStreamResponse,
  type PreparedStream,
  prepareStream,
  type ReceivedMessages,
} from "../../rpc/mod.ts";
import { Taken } from "../../values/mod.ts";
import { CalledMethod, PlacedServiceCall, requestFields } from "./called_method.ts";
import { CountedStream } from "./counted_stream.ts";
import { type CallBounds, remainingMs } from "./placed_call.ts";
import { failed, withTrace } from "./recorded_transport.ts";
import { RepeatableInput } from "./repeatable_input.ts";
import { asConnect, type DispatcherTransportOptions, longest } from "./transport.ts";

/** `Transport.stream` over a fleet on the fast path, whose calls are counted, timed and traced. */
export function serviceStreams(
  { attempts, settings, fields: common, limits }: DispatcherTransportOptions,
  records: CallRecords,
): Transport["stream"] {
  const methods = new WeakMap<DescMethodStreaming, CalledMethod<PreparedStream>>();

  function calledMethod(method: DescMethodStreaming): CalledMethod<PreparedStream> {
    let called = methods.get(method);
    if (called === undefined) {
      called = new CalledMethod(method, prepareStream(method, { limits }));
      methods.set(method, called);
    }
    return called;
  }

  return async function stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    messages: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    const called = calledMethod(method);
    const span = startClientSpan(called.routine, "service");
    const record = records.begin(called, span);
    let call: PlacedStream | undefined;
    try {
      const input = new RepeatableInput(messages);
      const bounds = settings.bounds(signal, longest(timeoutMs ?? 0));
      const placed = call = new PlacedStream(called, bounds, input);
      const own = requestFields(withTrace(header, span), common);
      const response = await attempts.make<FastStreamResponse<I, O>>(
        placed,
        async (link, endpoint) => {
          const fields = await attempts.fields(placed, own, link);
          const counted = new CountedStream(endpoint, placed.routine, input);
          const response = await callStream(link.connection, method, called.request, input, {
            timeoutMs: remainingMs(placed),
            signal: placed.signal,
            fields,
            ended: (error) => counted.ended(error),
          });
          counted.begun();
          return response;
        },
      );
      return {
        ...response,
        message: new RecordedMessages(response.message, record, signal, placed),
      };
    } catch (thrown) {
      const error = asConnect(thrown);
      call?.input.close(error);
      throw failed(record, error, signal, call);
    }
  };
}

/** A call with streams that looks for a worker. */
class PlacedStream extends PlacedServiceCall {
  readonly input: RepeatableInput<unknown>;

  constructor(
    called: CalledMethod<PreparedStream>,
    bounds: CallBounds,
    input: RepeatableInput<unknown>,
  ) {
    super(called, bounds);
    this.input = input;
  }
}

/** The messages of a call, which is recorded when it is over; what it fails with is thrown once. */
class RecordedMessages<O extends DescMessage>
  implements AsyncIterableIterator<MessageShape<O>, undefined> {
  readonly #messages: ReceivedMessages<O>;
  readonly #record: CallRecord;
  /** The caller's own. */
  readonly #signal: AbortSignal | undefined;
  readonly #call: PlacedStream;
  #isOver = false;

  constructor(
    messages: ReceivedMessages<O>,
    record: CallRecord,
    signal: AbortSignal | undefined,
    call: PlacedStream,
  ) {
    this.#messages = messages;
    this.#record = record;
    this.#signal = signal;
    this.#call = call;
  }

  next(): Promise<IteratorResult<MessageShape<O>, undefined>> {
    if (this.#isOver) return Promise.resolve(END);
    let message: MessageShape<O> | undefined;
    try {
      message = this.#messages.take();
    } catch (error) {
      return this.#failed(error);
    }
    if (message !== undefined) return Promise.resolve(new Taken(message));
    return this.#messages.next().then(this.#answered, this.#failed);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#leave();
    return this.#messages.return();
  }

  throw(reason?: unknown): Promise<never> {
    this.#leave();
    return this.#messages.throw(reason);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#record.left();
  }

  readonly #answered = (
    result: IteratorResult<MessageShape<O>, undefined>,
  ): IteratorResult<MessageShape<O>, undefined> => {
    if (result.done === true && !this.#isOver) {
      this.#isOver = true;
      this.#record.succeeded();
    }
    return result;
  };

  /** Rejects with what the caller gets; after the end there is no more. */
  readonly #failed = (thrown: unknown): Promise<IteratorReturnResult<undefined>> => {
    if (this.#isOver) return Promise.resolve(END);
    this.#isOver = true;
    return Promise.reject(failed(this.#record, asConnect(thrown), this.#signal, this.#call));
  };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
