import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEnd,
  type StreamReceiver,
} from "../../http2/mod.ts";
import { youngBuffers } from "../../platform/mod.ts";
import { timedOut, tooLargeToSend } from "../wire/call_errors.ts";
import { type Deadline, expireAfter, type Expiring } from "../../platform/mod.ts";
import { envelope } from "../wire/envelope.ts";
import { withLength } from "../wire/header_fields.ts";
import { type AbortEvents, fillsLargeBuffer } from "../../values/mod.ts";
import type { PreparedRequest } from "./prepared_request.ts";

/** How one call is made from bytes. */
export interface ExchangeOptions {
  /** The time it has, in whole milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call, which then fails with the signal's reason as a `ConnectError`. */
  readonly signal?: AbortEvents | undefined;
  /** Fields sent with this request only. Default: none. */
  readonly fields?: HeaderList | undefined;
  /** The time that it begins at, by `performance.now()`. Default: it is read. */
  readonly now?: number | undefined;
}

/** One call on a connection: its stream, its deadline, and the signal of its caller. */
export abstract class Exchange<Method extends DescMethod> implements StreamReceiver, Expiring {
  protected readonly request: PreparedRequest<Method>;
  /** `undefined` where the call failed before it was sent. */
  protected stream: Stream | undefined;
  /** When the call's time is over, on the scale of `performance.now()`. */
  protected expiresAt = Infinity;
  #signal: AbortEvents | undefined;
  #onAbort: (() => void) | undefined;
  #deadline: Deadline | undefined;

  /** Nothing is sent before {@linkcode Exchange.begin}. */
  constructor(request: PreparedRequest<Method>) {
    this.request = request;
  }

  abstract headers(fields: HeaderList, endStream: boolean): void;
  abstract data(bytes: Uint8Array, endStream: boolean): void;
  abstract trailers(fields: HeaderList): void;
  abstract closed(end: StreamEnd): void;

  /** The deadline has passed. */
  expired(): void {
    this.cancel(timedOut());
  }

  /** Ends the call with an error, unless it is over. */
  cancel(error: ConnectError): void {
    if (this.isOver) return;
    this.fail(error);
    this.stream?.reset(ErrorCode.CANCEL);
  }

  /** Whether the call has succeeded or failed. */
  protected abstract get isOver(): boolean;

  /** Fails the call, unless it is over. */
  protected abstract fail(error: ConnectError): void;

  /** Sends the request, which ends with `message` where there is one, or fails the call. */
  protected begin(
    connection: ClientConnection,
    { timeoutMs, signal, fields, now }: ExchangeOptions,
    message?: Uint8Array,
  ): void {
    const { protocol, limits } = this.request;
    if (signal?.aborted) return this.fail(canceled(signal));
    if (message !== undefined && message.byteLength > limits.sendBytes) {
      return this.fail(tooLargeToSend(message.byteLength, limits));
    }
    if (timeoutMs !== undefined) {
      if (timeoutMs <= 0) return this.fail(timedOut());
      const begunAt = now ?? performance.now();
      this.expiresAt = begunAt + timeoutMs;
      this.#deadline = expireAfter(timeoutMs, this, begunAt);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      const onAbort = () => this.cancel(canceled(signal));
      signal.addEventListener("abort", onAbort);
      this.#onAbort = onAbort;
    }
    const section = this.request.fields(timeoutMs, fields);
    try {
      if (message === undefined) this.stream = connection.open(section, this, { endStream: false });
      else {
        // What the program made the message of is garbage when the call is over, and the message is, unless it is large.
        youngBuffers.handedOut((fillsLargeBuffer(message) ? 1 : 2) * message.byteLength);
        const body = protocol === "grpc" ? envelope(message, 0) : message;
        const whole = withLength(section, body.byteLength);
        this.stream = connection.open(whole, this, { endStream: true, body });
      }
    } catch (error) {
      // A field that cannot be sent.
      this.fail(ConnectError.from(error, Code.Internal));
    }
  }

  /** The call is over: nothing can end it any more. */
  protected settle(): void {
    this.#deadline?.cancel();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

/** As connect-es words it. */
function canceled(signal: AbortEvents): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}
