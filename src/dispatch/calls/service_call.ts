/**
 * Fast path: a unary call of a service in binary form, without interceptors, goes the way of a call of a routine
 * ({@linkcode AttemptedCall}), not through the promises of recording, of the attempts and of a connection's transport.
 * Since what was read together is worked on in parts (`reading_parts.ts`), each of these promises had the calls of a
 * part wait for one another; what leaving them out brought is in `docs/performance.md`. The plain path is
 * {@linkcode dispatcherTransport} within {@linkcode recordedTransport}: streams, other forms, and GET take it.
 */
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import {
  type CallFacts,
  type CallRecord,
  type CallRecords,
  startClientSpan,
} from "../../observe/mod.ts";
import {
  fieldsOfHeaders,
  type PreparedUnary,
  prepareMethod,
  readResponse,
  takesFastPath,
  takesGet,
  type TransportChoices,
  type UnaryResponseBytes,
  writeBinary,
} from "../../rpc/mod.ts";
import { AttemptedCall } from "./attempted_call.ts";
import type { Attempts } from "./attempts.ts";
import type { RequestFields } from "./call_settings.ts";
import { CallBounds, type PlacedCall } from "./placed_call.ts";
import { failed, methodName, recordedTransport, withTrace } from "./recorded_transport.ts";
import {
  asConnect,
  dispatcherTransport,
  type DispatcherTransportOptions,
  isIdempotent,
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
    stream: plain.stream,
  };
}

class ServiceCalls {
  readonly #options: DispatcherTransportOptions;
  readonly #protocol: TransportChoices["protocol"];
  readonly #records: CallRecords;
  readonly #methods = new WeakMap<DescMethodUnary, CalledMethod>();

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

  #called(method: DescMethodUnary): CalledMethod {
    let called = this.#methods.get(method);
    if (called === undefined) {
      const { limits } = this.#options;
      const request = prepareMethod(method, { limits, protocol: this.#protocol });
      this.#methods.set(method, called = new CalledMethod(method, request));
    }
    return called;
  }
}

/** What the calls of a method have in common. */
class CalledMethod implements CallFacts {
  readonly kind = "service";
  readonly routine: string;
  readonly idempotent: boolean;
  readonly request: PreparedUnary;

  constructor(method: DescMethodUnary, request: PreparedUnary) {
    this.routine = methodName(method);
    this.idempotent = isIdempotent(method);
    this.request = request;
  }
}

class PlacedServiceCall extends CallBounds implements PlacedCall {
  readonly routine: string;
  readonly wanted = ANY_WORKER;
  readonly idempotent: boolean;
  readonly ofService = true;

  constructor({ routine, idempotent }: CalledMethod, { signal, timeoutMs, deadline }: CallBounds) {
    super(signal, timeoutMs, deadline);
    this.routine = routine;
    this.idempotent = idempotent;
  }
}

const ANY_WORKER: PlacedCall["wanted"] = {};

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

/** A call's own headers, and behind them the fields that every request carries. */
function requestFields(
  header: HeadersInit | undefined,
  common: RequestFields | undefined,
): RequestFields | undefined {
  if (header === undefined) return common;
  const own = fieldsOfHeaders(header);
  if (common === undefined) return () => own;
  return (link) => {
    const found = common(link);
    return found instanceof Promise
      ? found.then((fields) => [...own, ...fields])
      : [...own, ...found];
  };
}
