/**
 * Fast path: a unary call of a service in binary form, without interceptors, goes the way of a call of a routine
 * ({@linkcode AttemptedCall}), not through the promises of recording, of the attempts and of a connection's transport.
 * Since what was read together is worked on in parts (`reading_parts.ts`), each of these promises had the calls of a
 * part wait for one another; what leaving them out brought is in `docs/performance-changes.md`. The plain path is
 * {@linkcode dispatcherTransport} within {@linkcode recordedTransport}: other forms and GET take it. Streams have a fast
 * path of their own, {@linkcode serviceStreams}.
 */
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import { type CallRecord, type CallRecords, startClientSpan } from "../../observe/mod.ts";
import {
  type PreparedUnary,
  prepareMethod,
  readResponse,
  takesFastPath,
  takesFastStreams,
  takesGet,
  type TransportChoices,
  type UnaryResponseBytes,
  writeBinary,
} from "../../rpc/mod.ts";
import { AttemptedCall } from "./attempted_call.ts";
import type { Attempts } from "./attempts.ts";
import type { RequestFields } from "./call_settings.ts";
import { CalledMethod, PlacedServiceCall, requestFields } from "./called_method.ts";
import type { PlacedCall } from "./placed_call.ts";
import { failed, recordedTransport, withTrace } from "./recorded_transport.ts";
import { serviceStreams } from "./service_stream.ts";
import {
  asConnect,
  dispatcherTransport,
  type DispatcherTransportOptions,
  longest,
} from "./transport.ts";

/** The transport of a dispatcher for clients of services, whose calls are counted, timed and traced. */
export function serviceTransport(
  options: DispatcherTransportOptions,
  choices: TransportChoices,
  records: CallRecords,
): Transport {
  const plain = recordedTransport(dispatcherTransport(options, choices), records);
  const { useBinaryFormat, protocol, compression, interceptors = [] } = choices;
  const format = useBinaryFormat === false ? "json" : "binary";
  if (!takesFastPath({ protocol, format, compression, interceptors })) return plain;
  const calls = new ServiceCalls(options, protocol, records);
  return {
    unary(method, signal, timeoutMs, header, input, values) {
      return takesGet(choices, method)
        ? plain.unary(method, signal, timeoutMs, header, input, values)
        : calls.call(method, signal, timeoutMs, header, input);
    },
    stream: takesFastStreams({ protocol, format, compression, interceptors })
      ? serviceStreams(options, records)
      : plain.stream,
  };
}

class ServiceCalls {
  readonly #options: DispatcherTransportOptions;
  readonly #protocol: TransportChoices["protocol"];
  readonly #records: CallRecords;
  readonly #methods = new WeakMap<DescMethodUnary, CalledMethod<PreparedUnary>>();

  constructor(
    options: DispatcherTransportOptions,
    protocol: TransportChoices["protocol"],
    records: CallRecords,
  ) {
    this.#options = options;
    this.#protocol = protocol;
    this.#records = records;
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const { attempts, settings, fields } = this.#options;
    const now = performance.now();
    const called = this.#called(method);
    const span = startClientSpan(called.routine, "service");
    const record = this.#records.begin(called, span);
    try {
      const bounds = settings.bounds(signal, longest(timeoutMs ?? settings.timeoutMs), now);
      const call = new PlacedServiceCall(called, bounds);
      const message = writeBinary(method.input, input);
      const own = requestFields(withTrace(header, span), fields);
      return new Promise((resolve, reject) => {
        new ServiceCall(
          attempts,
          call,
          called.request,
          message,
          own,
          resolve,
          reject,
          method,
          record,
          signal,
        ).begin(now);
      });
    } catch (error) {
      return Promise.reject(failed(record, asConnect(error), signal));
    }
  }

  #called(method: DescMethodUnary): CalledMethod<PreparedUnary> {
    let called = this.#methods.get(method);
    if (called === undefined) {
      const { limits } = this.#options;
      const request = prepareMethod(method, { limits, protocol: this.#protocol });
      this.#methods.set(method, called = new CalledMethod(method, request));
    }
    return called;
  }
}

class ServiceCall<I extends DescMessage, O extends DescMessage>
  extends AttemptedCall<UnaryResponse<I, O>> {
  readonly #method: DescMethodUnary<I, O>;
  readonly #record: CallRecord;
  /** The caller's own. */
  readonly #signal: AbortSignal | undefined;

  constructor(
    attempts: Attempts,
    call: PlacedCall,
    request: PreparedUnary,
    message: Uint8Array,
    fields: RequestFields | undefined,
    resolve: (response: UnaryResponse<I, O>) => void,
    reject: (error: unknown) => void,
    method: DescMethodUnary<I, O>,
    record: CallRecord,
    signal: AbortSignal | undefined,
  ) {
    super(attempts, call, request, message, fields, resolve, reject);
    this.#method = method;
    this.#record = record;
    this.#signal = signal;
  }

  protected override read(response: UnaryResponseBytes): UnaryResponse<I, O> {
    const answer = readResponse(this.#method, response);
    this.#record.succeeded();
    return answer;
  }

  protected override failure(error: unknown): unknown {
    return failed(this.#record, asConnect(error), this.#signal, this.call);
  }
}
