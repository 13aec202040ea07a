import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import type { ClientConnection } from "../../http2/mod.ts";
import { readBinary, writeBinary } from "../wire/binary_form.ts";
import { timedOut } from "../wire/call_errors.ts";
import { compressionNames } from "../wire/compression.ts";
import { type Deadline, expireAfter } from "../wire/deadlines.ts";
import { appendFields, headersOf } from "../wire/header_fields.ts";
import type { Place, Placement, PlacementRequest } from "./placement.ts";
import { type PreparedUnary, prepareUnary } from "./prepared_unary.ts";
import { notBegun } from "../wire/stream_failure.ts";
import type { TransportOptions } from "./transport_options.ts";
import { exchangeUnary, type UnaryResponseBytes } from "./unary_exchange.ts";

/** `Transport.unary` on the fast lane: binary form over Connect or gRPC, without interceptors. */
export function createFastUnary(options: TransportOptions): Transport["unary"] {
  const requests = new PreparedRequests(options);

  return async function unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const time = callTime(timeoutMs, options.timeoutMs);
    const message = writeBinary(method.input, input);
    const call = new FastPlacementRequest(method, signal, time);
    try {
      const response = await exchange(requests, options.place, call, message, header);
      return new FastUnaryResponse(method, response, readBinary(method.output, response.message));
    } finally {
      call.over();
    }
  };
}

/** Makes the call on the placement it is given, and on another where it is known not to have begun. */
async function exchange(
  requests: PreparedRequests,
  place: Place,
  call: FastPlacementRequest,
  message: Uint8Array,
  header: HeadersInit | undefined,
): Promise<UnaryResponseBytes> {
  let connection: ClientConnection | undefined;
  for (;;) {
    const placed = place(call);
    const placement = placed instanceof Promise ? await placed : placed;
    if (placement.connection === connection) throw call.failure;
    connection = placement.connection;
    try {
      const response = await exchangeUnary(
        connection,
        requests.of(call.method, placement.authority),
        message,
        {
          timeoutMs: call.timeLeft(),
          signal: call.callerSignal,
          fields: fieldsOf(header, placement),
        },
      );
      placement.ended?.(undefined);
      return response;
    } catch (error) {
      placement.ended?.(error);
      if (!notBegun(error)) throw error;
      call.again(error);
    }
  }
}

/** As connect-es reads them: no number takes the transport's, and none above zero is no limit. */
function callTime(
  timeoutMs: number | undefined,
  ordinaryMs: number | undefined,
): number | undefined {
  if (timeoutMs === undefined) return ordinaryMs;
  return timeoutMs <= 0 ? undefined : timeoutMs;
}

function fieldsOf(header: HeadersInit | undefined, placement: Placement): string[] | undefined {
  if (header === undefined && placement.fields === undefined) return undefined;
  const fields: string[] = [];
  if (header !== undefined) appendFields(fields, new Headers(header));
  if (placement.fields !== undefined) fields.push(...placement.fields);
  return fields;
}

class PreparedRequests {
  readonly #options: TransportOptions;
  readonly #byAuthority = new Map<string, WeakMap<DescMethodUnary, PreparedUnary>>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  of(method: DescMethodUnary, authority = this.#options.authority ?? "selvage"): PreparedUnary {
    let byMethod = this.#byAuthority.get(authority);
    if (byMethod === undefined) {
      if (this.#byAuthority.size === MAX_AUTHORITIES) this.#byAuthority.clear();
      byMethod = new WeakMap();
      this.#byAuthority.set(authority, byMethod);
    }
    let prepared = byMethod.get(method);
    if (prepared === undefined) {
      prepared = this.#prepare(method, authority);
      byMethod.set(method, prepared);
    }
    return prepared;
  }

  #prepare(method: DescMethodUnary, authority: string): PreparedUnary {
    const { scheme = "https", acceptCompression = compressionNames, limits = {} } = this.#options;
    return prepareUnary(method, {
      protocol: this.#options.protocol === "grpc" ? "grpc" : "connect",
      authority,
      scheme,
      acceptCompression,
      limits,
    });
  }
}

/** Workers come and go; what was prepared for those that went is not kept for ever. */
const MAX_AUTHORITIES = 1024;

class FastPlacementRequest implements PlacementRequest {
  readonly method: DescMethodUnary;
  attempt = 1;
  failure: unknown;
  /** The signal the caller gave, without the deadline. */
  readonly callerSignal: AbortSignal | undefined;
  readonly #timeoutMs: number | undefined;
  readonly #deadline: number;
  #waiting: { readonly signal: AbortSignal; readonly timer: Deadline } | undefined;

  constructor(
    method: DescMethodUnary,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ) {
    this.method = method;
    this.callerSignal = signal;
    this.#timeoutMs = timeoutMs;
    this.#deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  }

  /** Made when asked for: a placement that has a connection at hand does not. */
  get signal(): AbortSignal | undefined {
    if (this.#timeoutMs === undefined) return this.callerSignal;
    this.#waiting ??= this.#wait();
    return this.#waiting.signal;
  }

  /** The time left of the call in whole milliseconds; all of it where no placement had to be waited for. */
  timeLeft(): number | undefined {
    if (this.#timeoutMs === undefined || this.#waiting === undefined) return this.#timeoutMs;
    return Math.ceil(this.#deadline - performance.now());
  }

  /** The call goes to another placement. */
  again(failure: unknown): void {
    this.attempt++;
    this.failure = failure;
  }

  /** Nothing waits for it any more. */
  over(): void {
    this.#waiting?.timer.cancel();
  }

  #wait(): { signal: AbortSignal; timer: Deadline } {
    const controller = new AbortController();
    const timer = expireAfter(Math.max(this.#deadline - performance.now(), 0), {
      expired: () => controller.abort(timedOut()),
    });
    const signal = this.callerSignal === undefined
      ? controller.signal
      : AbortSignal.any([this.callerSignal, controller.signal]);
    return { signal, timer };
  }
}

class FastUnaryResponse<I extends DescMessage, O extends DescMessage>
  implements UnaryResponse<I, O> {
  readonly stream = false;
  readonly method: DescMethodUnary<I, O>;
  readonly message: MessageShape<O>;
  readonly #response: UnaryResponseBytes;
  #metadata: { readonly header: Headers; readonly trailer: Headers } | undefined;

  constructor(
    method: DescMethodUnary<I, O>,
    response: UnaryResponseBytes,
    message: MessageShape<O>,
  ) {
    this.method = method;
    this.message = message;
    this.#response = response;
  }

  get service(): UnaryResponse<I, O>["service"] {
    return this.method.parent;
  }

  get header(): Headers {
    return (this.#metadata ??= metadataOf(this.#response)).header;
  }

  get trailer(): Headers {
    return (this.#metadata ??= metadataOf(this.#response)).trailer;
  }
}

/** Connect sends the trailers of a unary call in its header section. */
function metadataOf(response: UnaryResponseBytes): { header: Headers; trailer: Headers } {
  const header = new Headers();
  const trailer = headersOf(response.trailer) ?? new Headers();
  for (const [name, value] of headersOf(response.header) ?? []) {
    if (name.startsWith("trailer-")) trailer.append(name.slice("trailer-".length), value);
    else header.append(name, value);
  }
  return { header, trailer };
}
