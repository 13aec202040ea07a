import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientRequest, UniversalClientResponse } from "@connectrpc/connect/protocol";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  headerValue,
  type Stream,
  type StreamEnd,
  type StreamReceiver,
} from "../../http2/mod.ts";
import { BodyReader } from "../wire/body_reader.ts";
import { invalidFields } from "../wire/call_errors.ts";
import { appendFields, headersOf } from "../wire/header_fields.ts";
import { errorOfStreamEnd } from "../wire/stream_failure.ts";
import { formatGrpcTimeout, parseConnectTimeout, parseGrpcTimeout } from "../wire/timeout_field.ts";
import { hasTrailers, takeTrailers } from "./trailers_only.ts";
import { WholeBody, WholeEnvelopes } from "../wire/whole_messages.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** Where and how a request of connect-es is sent. */
export interface SendOptions {
  readonly scheme: "https" | "http";
  readonly authority: string;
  /** Fields besides those of the request. */
  readonly fields: HeaderList | undefined;
  /** The largest message to receive, in bytes. */
  readonly maxBytes: number;
  /** Called exactly once when the call is over, with why it failed. */
  readonly ended: ((error?: ConnectError) => void) | undefined;
}

/**
 * Sends a request of connect-es on a connection. Resolves with the response once its header section
 * has arrived; its body and trailers follow.
 *
 * @throws {ConnectError} where the stream ends before that; see `notBegun`.
 */
export function sendRequest(
  connection: ClientConnection,
  request: UniversalClientRequest,
  options: SendOptions,
): Promise<UniversalClientResponse> {
  return new Promise((resolve, reject) => {
    new PlainExchange(connection, request, options, resolve, reject);
  });
}

class PlainExchange implements StreamReceiver {
  readonly #options: SendOptions;
  readonly #request: UniversalClientRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #expiresAt: number;
  readonly #resolve: (response: UniversalClientResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #trailer = new Headers();
  readonly #onAbort = () => this.#fail(ConnectError.from(this.#signal?.reason, Code.Canceled));
  readonly #body = new BodyReader({
    release: (count) => this.#stream?.release(count),
    abandoned: () => this.#fail(new ConnectError("the response was abandoned", Code.Canceled)),
  });
  #stream: Stream | undefined;
  /** The response's header section until connect-es was given it. */
  #header: Headers | undefined;
  #status = 0;
  #over = false;
  #closed = false;
  #sent = false;
  #writable: (() => void) | undefined;

  constructor(
    connection: ClientConnection,
    request: UniversalClientRequest,
    options: SendOptions,
    resolve: (response: UniversalClientResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#options = options;
    this.#request = request;
    this.#signal = request.signal;
    this.#expiresAt = performance.now() + (timeoutOf(request.header) ?? Infinity);
    this.#resolve = resolve;
    this.#reject = reject;
    if (request.signal?.aborted) {
      this.#onAbort();
      return;
    }
    request.signal?.addEventListener("abort", this.#onAbort);
    const { body } = request;
    this.#sent = body === undefined;
    try {
      const section = requestSection(request, options);
      this.#stream = connection.open(section, this, { endStream: body === undefined });
    } catch (error) {
      // A field that cannot be sent.
      this.#fail(ConnectError.from(error, Code.Internal));
      return;
    }
    if (body !== undefined) void this.#sendBody(this.#stream, body);
  }

  headers(fields: HeaderList, endStream: boolean): void {
    const header = headersOf(fields);
    if (header === undefined) {
      this.#fail(invalidFields());
      return;
    }
    this.#status = Number(headerValue(fields, ":status"));
    this.#header = header;
    if (endStream) this.#complete();
    else if (!hasTrailers(header)) this.#respond();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (bytes.byteLength > 0) this.#respond();
    this.#body.push(bytes);
    if (endStream) this.#complete();
  }

  trailers(fields: HeaderList): void {
    const trailer = headersOf(fields);
    if (trailer === undefined) {
      this.#fail(invalidFields());
      return;
    }
    for (const [name, value] of trailer) this.#trailer.append(name, value);
    this.#complete();
  }

  writable(): void {
    const resolve = this.#writable;
    this.#writable = undefined;
    resolve?.();
  }

  closed(end: StreamEnd): void {
    this.#closed = true;
    if (!this.#over) this.#fail(errorOfStreamEnd(end, this.#expiresAt));
    this.writable();
  }

  /** Gives connect-es the response, once. */
  #respond(): void {
    const header = this.#header;
    if (header === undefined) return;
    this.#header = undefined;
    this.#resolve({
      status: this.#status,
      header,
      body: wholeMessages(this.#body, this.#request, header, this.#options.maxBytes),
      trailer: this.#trailer,
    });
  }

  /** The response is complete: what is left of the request is of no use to anyone. */
  #complete(): void {
    if (!this.#finish()) return;
    if (this.#header !== undefined && hasTrailers(this.#header)) {
      takeTrailers(this.#header, this.#trailer, this.#body);
    }
    this.#respond();
    this.#body.end();
    this.#options.ended?.();
    if (!this.#sent) this.#stream?.reset(ErrorCode.CANCEL);
  }

  #fail(error: ConnectError): void {
    if (!this.#finish()) return;
    this.#reject(error);
    this.#body.fail(error);
    this.#options.ended?.(error);
    if (!this.#closed) this.#stream?.reset(ErrorCode.CANCEL);
  }

  /** Returns `false` where the call was over before. */
  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }

  async #sendBody(stream: Stream, body: AsyncIterable<Uint8Array>): Promise<void> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      while (!this.#closed) {
        const chunk = await chunks.next();
        if (this.#closed || (this.#over && chunk.done !== true)) break;
        if (chunk.done === true) {
          this.#sent = true;
          stream.sendData(NO_BYTES, true);
          return;
        }
        if (!stream.sendData(chunk.value, false)) {
          await new Promise<void>((resolve) => this.#writable = resolve);
        }
      }
    } catch (error) {
      this.#fail(ConnectError.from(error, Code.Aborted));
    }
  }
}

/** The time that the request gives the call, in milliseconds, which connect-es writes in as many digits as it has. */
function timeoutOf(header: Headers): number | undefined {
  const connect = header.get("connect-timeout-ms");
  if (connect !== null) return parseConnectTimeout(connect);
  const grpc = header.get("grpc-timeout");
  if (grpc === null) return undefined;
  const timeoutMs = parseGrpcTimeout(grpc) ?? Number(grpc.slice(0, -1));
  if (Number.isNaN(timeoutMs)) return undefined;
  header.set("grpc-timeout", formatGrpcTimeout(Math.ceil(timeoutMs)));
  return timeoutMs;
}

function requestSection(request: UniversalClientRequest, options: SendOptions): string[] {
  const target = request.url.slice(request.url.indexOf("/", request.url.indexOf("://") + 3));
  const section = [
    ":method",
    request.method,
    ":scheme",
    options.scheme,
    ":authority",
    options.authority,
    ":path",
    target,
  ];
  appendFields(section, request.header);
  if (options.fields !== undefined) section.push(...options.fields);
  return section;
}

const CONNECT_END_FLAG = 2;

/** The body in whole messages; the promise of its length is kept here, connect-es would take room for it. */
function wholeMessages(
  body: BodyReader,
  request: UniversalClientRequest,
  header: Headers,
  maxBytes: number,
): AsyncIterable<Uint8Array> {
  const type = request.header.get("content-type");
  if (request.method === "POST" && type !== "application/proto" && type !== "application/json") {
    const flag = type?.startsWith("application/connect") ? CONNECT_END_FLAG : 0;
    return new WholeEnvelopes(body, maxBytes, { endFlag: flag });
  }
  const length = header.get("content-length");
  header.delete("content-length");
  return new WholeBody(body, maxBytes, length === null ? {} : { promisedBytes: Number(length) });
}
