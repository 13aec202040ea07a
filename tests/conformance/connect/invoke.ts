import {
  create,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type Message,
} from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { ClientConnection } from "../../../src/http2/mod.ts";
import { type CompressionName, createTransport } from "../../../src/rpc/mod.ts";
import { throughPlainPath } from "../../support/echo.ts";
import {
  appendProtoHeaders,
  type ClientCompatRequest,
  type ClientResponseResult,
  type ErrorShape,
  headersToProto,
  type Schema,
} from "./schema.ts";

const PROTOCOLS = { 1: "connect", 2: "grpc", 3: "grpc-web" } as const;
const COMPRESSIONS: Readonly<Record<number, CompressionName>> = {
  2: "gzip",
  3: "br",
  4: "zstd",
  5: "deflate",
};
const FULL_DUPLEX = 5;

/** Makes the call that is asked for. */
export async function invoke(
  schema: Schema,
  request: ClientCompatRequest,
  connection: ClientConnection,
  plain: boolean,
): Promise<ClientResponseResult> {
  const method = schema.method(request.service, request.method ?? "");
  const transport = transportOf(schema, request, connection, plain);
  const call = new Call(schema, request, method);
  try {
    if (method.methodKind === "unary") await call.unary(transport);
    else await call.stream(transport);
  } catch (error) {
    call.failed(ConnectError.from(error));
  }
  return call.result;
}

function transportOf(
  schema: Schema,
  request: ClientCompatRequest,
  connection: ClientConnection,
  plain: boolean,
): Transport {
  const compression = COMPRESSIONS[request.compression];
  const limit = request.messageReceiveLimit;
  return createTransport({
    connection,
    protocol: PROTOCOLS[request.protocol],
    format: request.codec === 1 ? "binary" : "json",
    compression,
    acceptCompression: compression === undefined ? [] : [compression],
    interceptors: plain ? [throughPlainPath] : [],
    json: { registry: schema.registry },
    useHttpGet: request.useGetHttpMethod,
    authority: `${request.host}:${request.port}`,
    scheme: request.serverTlsCert.length > 0 ? "https" : "http",
    // Below 0, so that connect-es compresses empty messages too.
    limits: { compressFromBytes: -1, ...(limit > 0 ? { messageBytes: limit } : {}) },
  });
}

class Call {
  readonly result: ClientResponseResult = {
    responseHeaders: [],
    payloads: [],
    responseTrailers: [],
    numUnsentRequests: 0,
  };
  readonly #request: ClientCompatRequest;
  readonly #method: DescMethod;
  readonly #messages: readonly Message[];
  readonly #header = new Headers();
  readonly #abort = new AbortController();
  readonly #answers = new Answers();
  #headersKnown = false;

  constructor(schema: Schema, request: ClientCompatRequest, method: DescMethod) {
    this.#request = request;
    this.#method = method;
    this.#messages = request.requestMessages.map((any) => schema.unpack(any));
    appendProtoHeaders(request.requestHeaders, this.#header);
  }

  async unary(transport: Transport): Promise<void> {
    const [message] = this.#messages;
    if (message === undefined || this.#method.methodKind !== "unary") {
      throw new TypeError("no message");
    }
    this.#cancelAfterSend();
    const response = await transport.unary(
      this.#method as DescMethodUnary,
      this.#abort.signal,
      this.#request.timeoutMs,
      this.#header,
      message as never,
    );
    this.result.responseHeaders = headersToProto(response.header);
    this.result.responseTrailers = headersToProto(response.trailer);
    this.#headersKnown = true;
    this.#received(response.message);
  }

  async stream(transport: Transport): Promise<void> {
    const response = await transport.stream(
      this.#method as DescMethodStreaming,
      this.#abort.signal,
      this.#request.timeoutMs,
      this.#header,
      this.#requests() as AsyncIterable<never>,
    );
    this.result.responseHeaders = headersToProto(response.header);
    this.#headersKnown = true;
    let count = 0;
    for await (const message of response.message) {
      this.#received(message);
      this.#answers.add();
      const { cancelTiming } = this.#request.cancel ?? {};
      if (cancelTiming?.case === "afterNumResponses" && ++count === cancelTiming.value) {
        this.#abort.abort();
      }
    }
    this.result.responseTrailers = headersToProto(response.trailer);
    this.#mustBeOne(this.result.payloads.length);
  }

  /** Metadata of an error is what headers and trailers there were; they cannot be distinguished. */
  failed(error: ConnectError): void {
    this.#answers.end();
    this.result.error = errorShape(error);
    const metadata = headersToProto(error.metadata);
    if (!this.#headersKnown) this.result.responseHeaders = metadata;
    this.result.responseTrailers = metadata;
    if (this.#method.methodKind === "client_streaming") this.result.payloads = [];
  }

  #received(message: Message): void {
    const { payload = {} } = message as { payload?: unknown };
    this.result.payloads.push(payload);
  }

  #mustBeOne(responses: number): void {
    if (this.#method.methodKind !== "client_streaming" || responses === 1) return;
    throw new ConnectError(
      `a client stream is answered with one message, not ${responses}`,
      Code.Unimplemented,
    );
  }

  async *#requests(): AsyncGenerator<Message> {
    const fullDuplex = this.#request.streamType === FULL_DUPLEX;
    for (const [at, message] of this.#messages.entries()) {
      if (this.#request.requestDelayMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, this.#request.requestDelayMs));
      }
      yield message;
      if (fullDuplex) await this.#answers.count(at + 1);
    }
    if (this.#request.cancel?.cancelTiming.case === "beforeCloseSend") this.#abort.abort();
    else this.#cancelAfterSend();
  }

  /** Without a timing of its own a call is cancelled right after it was sent. */
  #cancelAfterSend(): void {
    const { cancel } = this.#request;
    if (cancel === undefined) return;
    const { cancelTiming: timing } = cancel;
    if (timing.case !== undefined && timing.case !== "afterCloseSendMs") return;
    setTimeout(() => this.#abort.abort(), timing.value ?? 0);
  }
}

/** Counts responses for a sender that waits for them. */
class Answers {
  #count = 0;
  #changed = Promise.withResolvers<void>();

  add(): void {
    this.#count++;
    this.#change();
  }

  /** There will be no more. */
  end(): void {
    this.#count = Infinity;
    this.#change();
  }

  async count(atLeast: number): Promise<void> {
    while (this.#count < atLeast) await this.#changed.promise;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function errorShape(error: ConnectError): ErrorShape {
  const details = error.details.map((detail) => {
    if ("desc" in detail) throw new TypeError("a received detail is in binary form");
    return create(AnySchema, {
      typeUrl: `type.googleapis.com/${detail.type}`,
      value: detail.value,
    });
  });
  return { code: error.code, message: error.rawMessage, details };
}
