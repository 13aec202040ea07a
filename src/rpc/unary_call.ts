import type { DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  headerValue,
  type Stream,
  type StreamEnd,
  type StreamReceiver,
} from "../http2/mod.ts";
import type { CompressionName } from "./compression.ts";
import { type Deadline, expireAfter, type Expiring } from "./deadlines.ts";
import { envelope, ENVELOPE_BYTES, soleMessage } from "./envelope.ts";
import { Gathered } from "./gathered.ts";
import { defaultRpcLimits, type RpcLimits } from "./limits.ts";
import { readResponse } from "./read_response.ts";
import { errorOfStreamEnd } from "./stream_failure.ts";
import { formatGrpcTimeout } from "./timeout_field.ts";

/** How a unary request is prepared. */
export interface PrepareUnaryOptions {
  /** Default: `connect`. */
  readonly protocol?: "connect" | "grpc";
  /** The `:authority`. Default: `selvage`. */
  readonly authority?: string;
  /** The `:scheme`. Default: `https`. */
  readonly scheme?: "https" | "http";
  /** Fields sent with every request, names in lower case. Default: none. */
  readonly fields?: HeaderList;
  /** The compressions that responses may have. Default: none. */
  readonly acceptCompression?: readonly CompressionName[];
  /** Overrides of the default limits. */
  readonly limits?: Partial<RpcLimits>;
}

/** A unary request without its message: header sections that are made once and sent many times. */
export interface PreparedUnary {
  readonly method: DescMethodUnary;
  readonly protocol: "connect" | "grpc";
  readonly acceptCompression: readonly CompressionName[];
  readonly limits: RpcLimits;
  /** The header section of a call with that time, the same list each time. */
  fields(timeoutMs: number | undefined): HeaderList;
}

/** How one unary call is made. */
export interface UnaryCallOptions {
  /** The time it has, in whole milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call, which then fails with the signal's reason as a `ConnectError`. */
  readonly signal?: AbortSignal | undefined;
  /** Fields sent with this request only. Default: none. */
  readonly fields?: HeaderList | undefined;
}

/** A complete response to a unary call. */
export interface UnaryResponseBytes {
  /** The header section. */
  readonly header: HeaderList;
  /** The trailer section. */
  readonly trailer: HeaderList;
  /** The response message. */
  readonly message: Uint8Array;
}

/** Prepares the requests of a unary method. Keep what it returns as long as such calls are made. */
export function prepareUnary(
  method: DescMethodUnary,
  options: PrepareUnaryOptions = {},
): PreparedUnary {
  return new PreparedRequest(method, options);
}

/**
 * Makes a unary call in binary form on the fast lane: bytes in, bytes out.
 *
 * @returns the bytes of the response message.
 * @throws {ConnectError} with details and metadata where the peer answered with an error; `notBegun` and
 * `connectionLost` tell what became of a call that was not answered.
 */
export function callUnaryBytes(
  connection: ClientConnection,
  request: PreparedUnary,
  message: Uint8Array,
  options: UnaryCallOptions = {},
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const taken = (response: UnaryResponseBytes) => resolve(response.message);
    new UnaryExchange(connection, request, message, options, taken, reject);
  });
}

/** As {@linkcode callUnaryBytes}, with the response's metadata. */
export function exchangeUnary(
  connection: ClientConnection,
  request: PreparedUnary,
  message: Uint8Array,
  options: UnaryCallOptions = {},
): Promise<UnaryResponseBytes> {
  return new Promise((resolve, reject) => {
    new UnaryExchange(connection, request, message, options, resolve, reject);
  });
}

/** Callers use few different timeouts; one that uses many is not remembered for ever. */
const MAX_SECTIONS = 256;

class PreparedRequest implements PreparedUnary {
  readonly method: DescMethodUnary;
  readonly protocol: "connect" | "grpc";
  readonly acceptCompression: readonly CompressionName[];
  readonly limits: RpcLimits;
  readonly #base: HeaderList;
  readonly #sections = new Map<number, HeaderList>();

  constructor(method: DescMethodUnary, options: PrepareUnaryOptions) {
    const { protocol = "connect", acceptCompression = [], fields = [] } = options;
    this.method = method;
    this.protocol = protocol;
    this.acceptCompression = acceptCompression;
    this.limits = { ...defaultRpcLimits, ...options.limits };
    const accept = acceptCompression.join(",");
    this.#base = [
      ":method",
      "POST",
      ":scheme",
      options.scheme ?? "https",
      ":authority",
      options.authority ?? "selvage",
      ":path",
      `/${method.parent.typeName}/${method.name}`,
      ...(protocol === "connect" ? CONNECT_FIELDS : GRPC_FIELDS),
      ...(accept === "" ? [] : [ACCEPT_FIELD[protocol], accept]),
      ...fields,
    ];
  }

  fields(timeoutMs: number | undefined): HeaderList {
    if (timeoutMs === undefined) return this.#base;
    const known = this.#sections.get(timeoutMs);
    if (known !== undefined) return known;
    const section = this.protocol === "connect"
      ? [...this.#base, "connect-timeout-ms", String(timeoutMs)]
      : [...this.#base, "grpc-timeout", formatGrpcTimeout(timeoutMs)];
    if (this.#sections.size === MAX_SECTIONS) this.#sections.clear();
    this.#sections.set(timeoutMs, section);
    return section;
  }
}

const CONNECT_FIELDS: HeaderList = [
  "content-type",
  "application/proto",
  "connect-protocol-version",
  "1",
];
const GRPC_FIELDS: HeaderList = ["content-type", "application/grpc+proto", "te", "trailers"];
const ACCEPT_FIELD = { connect: "accept-encoding", grpc: "grpc-accept-encoding" } as const;
const NO_FIELDS: HeaderList = [];

class UnaryExchange implements StreamReceiver, Expiring, UnaryResponseBytes {
  header: HeaderList = NO_FIELDS;
  trailer: HeaderList = NO_FIELDS;
  readonly #request: PreparedUnary;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (response: UnaryResponseBytes) => void;
  readonly #reject: (error: Error) => void;
  readonly #body = new Gathered();
  #message: Uint8Array | undefined;
  #settled = false;
  #stream: Stream | undefined;
  #deadline: Deadline | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    connection: ClientConnection,
    request: PreparedUnary,
    message: Uint8Array,
    options: UnaryCallOptions,
    resolve: (response: UnaryResponseBytes) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    const { signal, timeoutMs, fields } = options;
    this.#signal = signal;
    if (signal?.aborted) {
      this.#fail(canceled(signal));
      return;
    }
    if (message.byteLength > request.limits.sendBytes) {
      this.#fail(tooLargeToSend(message.byteLength, request.limits));
      return;
    }
    if (timeoutMs !== undefined) {
      if (timeoutMs <= 0) {
        this.expired();
        return;
      }
      this.#deadline = expireAfter(timeoutMs, this);
    }
    if (signal !== undefined) {
      this.#onAbort = () => this.#cancel(canceled(signal));
      signal.addEventListener("abort", this.#onAbort);
    }
    const section = request.fields(timeoutMs);
    const body = request.protocol === "grpc" ? envelope(message, 0) : message;
    try {
      this.#stream = connection.open(
        fields === undefined ? section : [...section, ...fields],
        this,
        { endStream: true, body },
      );
    } catch (error) {
      // A field that cannot be sent.
      this.#fail(ConnectError.from(error, Code.Internal));
    }
  }

  get message(): Uint8Array {
    return this.#message ?? new Uint8Array(0);
  }

  headers(fields: HeaderList, endStream: boolean): void {
    this.header = fields;
    if (endStream) this.#complete();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#stream?.release(bytes.byteLength);
    if (this.#settled) return;
    if (this.#body.length + bytes.byteLength > this.#request.limits.messageBytes + ENVELOPE_BYTES) {
      this.#cancel(tooLargeToReceive(this.#request.limits));
      return;
    }
    try {
      this.#body.add(bytes);
    } catch (error) {
      this.#cancel(error as ConnectError);
      return;
    }
    if (endStream) this.#complete();
  }

  trailers(fields: HeaderList): void {
    this.trailer = fields;
    this.#complete();
  }

  closed(end: StreamEnd): void {
    if (!this.#settled) this.#fail(errorOfStreamEnd(end));
  }

  expired(): void {
    this.#cancel(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  }

  #complete(): void {
    if (this.#settled) return;
    const body = this.#body.take();
    this.#message = ordinaryMessage(this.#request.protocol, this.header, this.trailer, body);
    if (this.#message === undefined) this.#readOtherwise(body);
    else if (this.#message.byteLength > this.#request.limits.messageBytes) {
      this.#fail(tooLargeToReceive(this.#request.limits));
    } else {
      this.#settle();
      this.#resolve(this);
    }
  }

  /** An error, most likely: connect-es reads it. */
  #readOtherwise(body: Uint8Array): void {
    this.#settle();
    const { header, trailer } = this;
    readResponse(this.#request, { header, trailer, body })
      .then((message) => {
        this.#message = message;
        this.#resolve(this);
      }, this.#reject);
  }

  #cancel(error: Error): void {
    if (this.#settled) return;
    this.#fail(error);
    this.#stream?.reset(ErrorCode.CANCEL);
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#body.drop();
    this.#deadline?.cancel();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

/** The message of a response that has nothing out of the ordinary about it. */
function ordinaryMessage(
  protocol: "connect" | "grpc",
  header: HeaderList,
  trailer: HeaderList,
  body: Uint8Array,
): Uint8Array | undefined {
  const ordinary = isOrdinary(protocol, header);
  if (!ordinary) return undefined;
  if (protocol === "connect") return body;
  return headerValue(trailer, "grpc-status") === "0" ? soleMessage(body) : undefined;
}

/** Peers send few different sections, and the HTTP/2 layer gives equal ones the same list. */
const ordinarySections = new WeakMap<HeaderList, boolean>();

function isOrdinary(protocol: "connect" | "grpc", header: HeaderList): boolean {
  const known = ordinarySections.get(header);
  if (known !== undefined) return known;
  const type = headerValue(header, "content-type");
  const ordinary = headerValue(header, ":status") === "200" &&
    (protocol === "connect"
      ? type === "application/proto" && isIdentity(headerValue(header, "content-encoding"))
      : (type === "application/grpc+proto" || type === "application/grpc") &&
        isIdentity(headerValue(header, "grpc-encoding")) &&
        headerValue(header, "grpc-status") === undefined);
  ordinarySections.set(header, ordinary);
  return ordinary;
}

function isIdentity(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === "identity";
}

/** As connect-es words it. */
function canceled(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}

function tooLargeToReceive({ messageBytes }: RpcLimits): ConnectError {
  return new ConnectError(
    `message size is larger than configured readMaxBytes ${messageBytes}`,
    Code.ResourceExhausted,
  );
}

function tooLargeToSend(length: number, { sendBytes }: RpcLimits): ConnectError {
  return new ConnectError(
    `message size ${length} is larger than configured writeMaxBytes ${sendBytes}`,
    Code.ResourceExhausted,
  );
}
