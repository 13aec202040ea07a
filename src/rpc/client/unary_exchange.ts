import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEnd,
  type StreamReceiver,
} from "../../http2/mod.ts";
import { timedOut, tooLargeToReceive, tooLargeToSend } from "../wire/call_errors.ts";
import { type Deadline, expireAfter, type Expiring } from "../wire/deadlines.ts";
import { envelope, ENVELOPE_BYTES } from "../wire/envelope.ts";
import { Gathered } from "../wire/gathered.ts";
import { ordinaryMessage } from "./ordinary_response.ts";
import type { PreparedUnary } from "./prepared_unary.ts";
import { readResponse } from "./read_unary_response.ts";
import { errorOfStreamEnd } from "../wire/stream_failure.ts";

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
  #expiresAt = Infinity;
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
      this.#expiresAt = performance.now() + timeoutMs;
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
    if (!this.#settled) this.#fail(errorOfStreamEnd(end, this.#expiresAt));
  }

  expired(): void {
    this.#cancel(timedOut());
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

/** As connect-es words it. */
function canceled(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}
