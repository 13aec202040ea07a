import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import { readBinary, writeBinary } from "../wire/binary_form.ts";
import { compressionNames } from "../wire/compression.ts";
import { appendFields, headersOf } from "../wire/header_fields.ts";
import { type PreparedUnary, prepareRequest } from "./prepared_request.ts";
import type { TransportOptions } from "./transport_options.ts";
import { exchangeUnary, type UnaryResponseBytes } from "./unary_exchange.ts";

/** `Transport.unary` on the fast path: binary form over Connect or gRPC, without interceptors. */
export function createFastUnary(options: TransportOptions): Transport["unary"] {
  const { connection } = options;
  const prepared = new WeakMap<DescMethodUnary, PreparedUnary>();

  return async function unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const message = writeBinary(method.input, input);
    let request = prepared.get(method);
    if (request === undefined) prepared.set(method, request = prepareMethod(method, options));
    const response = await exchangeUnary(connection, request, message, {
      timeoutMs: callTime(timeoutMs, options.timeoutMs),
      signal,
      fields: options.fields === undefined && header === undefined
        ? undefined
        : await fieldsOf(header, options),
    });
    return readResponse(method, response);
  };
}

/** What requests of a method have in common on the fast path. */
export function prepareMethod(
  method: DescMethodUnary,
  options: Omit<TransportOptions, "connection">,
): PreparedUnary {
  const { authority, scheme, acceptCompression = compressionNames, limits } = options;
  return prepareRequest(method, {
    protocol: options.protocol === "grpc" ? "grpc" : "connect",
    authority,
    scheme,
    acceptCompression,
    limits,
  });
}

/** As connect-es reads them: no number takes the transport's, and none above zero is no limit. */
export function callTime(
  timeoutMs: number | undefined,
  ordinaryMs: number | undefined,
): number | undefined {
  if (timeoutMs === undefined) return ordinaryMs;
  return timeoutMs <= 0 ? undefined : timeoutMs;
}

/** A call's own headers as fields of its request. */
export function fieldsOfHeaders(header: HeadersInit): string[] {
  const fields: string[] = [];
  appendFields(fields, new Headers(header));
  return fields;
}

/** A call's own headers, and behind them the fields that every request of a transport carries. */
export async function fieldsOf(
  header: HeadersInit | undefined,
  { fields }: Pick<TransportOptions, "fields">,
): Promise<string[]> {
  const all: string[] = [];
  if (header !== undefined) all.push(...fieldsOfHeaders(header));
  if (fields !== undefined) all.push(...await fields());
  return all;
}

/**
 * Reads the message of a response on the fast path; its `Headers` are made when they are first asked for.
 *
 * @throws {ConnectError} `Internal` where the message is invalid.
 */
export function readResponse<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  response: UnaryResponseBytes,
): UnaryResponse<I, O> {
  return new FastUnaryResponse(method, response, readBinary(method.output, response.message));
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
