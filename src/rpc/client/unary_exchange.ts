import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import {
  type ClientConnection,
  type HeaderList,
  headerValue,
  type StreamEnd,
} from "../../http2/mod.ts";
import { tooLargeToReceive } from "../wire/call_errors.ts";
import { ENVELOPE_BYTES } from "../wire/envelope.ts";
import { expectedBytes, Gathered } from "../wire/gathered.ts";
import { errorOfStreamEnd } from "../wire/stream_failure.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { ordinaryMessage } from "./ordinary_response.ts";
import type { PreparedUnary } from "./prepared_request.ts";
import { readUnaryResponse } from "./read_response.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** A complete response to a unary call. */
export interface UnaryResponseBytes {
  /** The header section. */
  readonly header: HeaderList;
  /** The trailer section. */
  readonly trailer: HeaderList;
  /** The response message. */
  readonly message: Uint8Array;
}

/** What is reported of a unary call: one of the two, once; it may be before the call has returned. */
export interface UnaryReceiver {
  /** A complete response arrived. Must not throw. */
  answered(response: UnaryResponseBytes): void;
  /**
   * The call failed: with a `ConnectError` that has details and metadata where the peer answered with an error;
   * `notBegun` and `connectionLost` tell what became of a call that was not answered. Must not throw.
   */
  failed(error: Error): void;
  /** After `answered`: the stream is over, and nothing reads the request's message any more. Must not throw. */
  ended?(): void;
}

/** Makes a unary call in binary form on the fast path: bytes in, bytes out. */
export function sendUnaryBytes(
  connection: ClientConnection,
  request: PreparedUnary,
  message: Uint8Array,
  options: ExchangeOptions,
  receiver: UnaryReceiver,
): void {
  new UnaryExchange(connection, request, message, options, receiver);
}

/**
 * The same as a promise, of the bytes of the response message.
 *
 * @throws {ConnectError} As {@linkcode UnaryReceiver.failed} is given it.
 */
export async function callUnaryBytes(
  connection: ClientConnection,
  request: PreparedUnary,
  message: Uint8Array,
  options: ExchangeOptions = {},
): Promise<Uint8Array> {
  return (await exchangeUnary(connection, request, message, options)).message;
}

/** As {@linkcode callUnaryBytes}, with the response's metadata. */
export function exchangeUnary(
  connection: ClientConnection,
  request: PreparedUnary,
  message: Uint8Array,
  options: ExchangeOptions = {},
): Promise<UnaryResponseBytes> {
  return new Promise((answered, failed) => {
    new UnaryExchange(connection, request, message, options, { answered, failed });
  });
}

const NO_FIELDS: HeaderList = [];

class UnaryExchange extends Exchange<DescMethodUnary> implements UnaryResponseBytes {
  header: HeaderList = NO_FIELDS;
  trailer: HeaderList = NO_FIELDS;
  message: Uint8Array = NO_BYTES;
  readonly #receiver: UnaryReceiver;
  readonly #body = new Gathered();
  /** How long the body will be, as far as the peer is to be believed; HTTP/2 holds it to that. */
  #wholeBytes = Infinity;
  #settled = false;

  constructor(
    connection: ClientConnection,
    request: PreparedUnary,
    message: Uint8Array,
    options: ExchangeOptions,
    receiver: UnaryReceiver,
  ) {
    super(request);
    this.#receiver = receiver;
    this.begin(connection, options, message);
  }

  headers(fields: HeaderList, endStream: boolean): void {
    this.header = fields;
    const promised = headerValue(fields, "content-length");
    if (promised !== undefined) {
      this.#wholeBytes = expectedBytes(Number(promised), this.#mostBytes);
      if (Number(promised) <= this.#mostBytes) this.stream?.takeWhole();
    }
    if (endStream) this.#complete();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#gather(bytes, false, endStream);
  }

  lent(bytes: Uint8Array, endStream: boolean): void {
    this.#gather(bytes, true, endStream);
  }

  /** Bytes of a body that are taken. */
  get #mostBytes(): number {
    return this.request.limits.messageBytes + ENVELOPE_BYTES;
  }

  #gather(bytes: Uint8Array, isLent: boolean, endStream: boolean): void {
    this.stream?.release(bytes.byteLength);
    if (this.#settled) return;
    if (this.#body.length + bytes.byteLength > this.#mostBytes) {
      this.cancel(tooLargeToReceive(this.request.limits));
      return;
    }
    try {
      if (isLent) this.#body.copy(bytes, this.#wholeBytes);
      else this.#body.add(bytes, this.#wholeBytes);
    } catch (error) {
      this.cancel(error as ConnectError);
      return;
    }
    if (endStream) this.#complete();
  }

  trailers(fields: HeaderList): void {
    this.trailer = fields;
    this.#complete();
  }

  closed(end: StreamEnd): void {
    if (!this.#settled) this.fail(errorOfStreamEnd(end, this.expiresAt));
    else if (this.message !== NO_BYTES) this.#receiver.ended?.();
  }

  protected override get isOver(): boolean {
    return this.#settled;
  }

  protected override fail(error: Error): void {
    if (this.#settled) return;
    this.settle();
    this.#receiver.failed(error);
  }

  protected override settle(): void {
    this.#settled = true;
    this.#body.drop();
    super.settle();
  }

  #complete(): void {
    if (this.#settled) return;
    const body = this.#body.take();
    const message = ordinaryMessage(this.request.protocol, this.header, this.trailer, body);
    if (message === undefined) this.#readOtherwise(body);
    else if (message.byteLength > this.request.limits.messageBytes) {
      this.fail(tooLargeToReceive(this.request.limits));
    } else this.#succeed(message);
  }

  #succeed(message: Uint8Array): void {
    this.settle();
    this.message = message;
    this.#receiver.answered(this);
  }

  /** An error, most likely: connect-es reads it. */
  #readOtherwise(body: Uint8Array): void {
    this.settle();
    const { header, trailer } = this;
    readUnaryResponse(this.request, { header, trailer, body })
      .then((message) => this.#succeed(message), (error) => this.#receiver.failed(error));
  }
}
