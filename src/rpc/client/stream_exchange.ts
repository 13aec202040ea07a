import type { DescMethodStreaming } from "@bufbuild/protobuf";
import type { ConnectError, StreamResponse } from "@connectrpc/connect";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEnd,
} from "../../http2/mod.ts";
import { BodyReader } from "../wire/body_reader.ts";
import { invalidFields, tooLargeToSend } from "../wire/call_errors.ts";
import { envelopeHead, inEnvelope } from "../wire/envelope.ts";
import { areValid } from "../wire/header_fields.ts";
import { streamTurn } from "../wire/stream_turn.ts";
import { errorOfStreamEnd } from "../wire/stream_failure.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import type { PreparedStream } from "./prepared_request.ts";
import { messageBytes, readStreamResponse } from "./read_response.ts";
import { isOrdinaryStream, ResponseMessages } from "./response_messages.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** How a call with streams is made from bytes. */
export interface StreamExchangeOptions extends ExchangeOptions {
  /**
   * Called once: all of the response has arrived, or the call has failed with that error. It may be before the call
   * has returned. Must not throw.
   */
  readonly ended?: ((error: ConnectError | undefined) => void) | undefined;
}

/** What surrounds the messages of a response. */
export type StreamMetadata = Pick<StreamResponse, "header" | "trailer">;

/**
 * A call with streams both ways in binary form, from bytes to bytes. What it has received is cut into
 * messages as they are read, and a reader that stops stops the writer.
 */
export class StreamExchange extends Exchange<DescMethodStreaming> {
  /** Messages that wait until the stream takes more; `undefined` while it does. */
  #unsent: Uint8Array[] | undefined;
  /** `onWritable` is called in the next turn. */
  #isDelayed = false;
  #sending: "open" | "ending" | "ended" = "open";

  #messages: ResponseMessages | undefined;
  /** The body of a response that connect-es reads, and what it makes of it. */
  #body: BodyReader | undefined;
  #readOtherwise: ReadOtherwise | undefined;
  /** All of the response has arrived. */
  #complete = false;

  #reading: Reading = { name: "open" };
  #wakeReader: (() => void) | undefined;
  #ended: StreamExchangeOptions["ended"];

  /** Makes a call. Failures are thrown by `next`. */
  constructor(
    connection: ClientConnection,
    request: PreparedStream,
    options: StreamExchangeOptions = {},
  ) {
    super(request);
    this.#ended = options.ended;
    this.begin(connection, options);
  }

  /** Called when messages may be sent again after `send` has returned `false`. */
  onWritable: (() => void) | undefined;

  /**
   * Sends a message, as soon as the stream takes it.
   *
   * @param isGivenAway whether nobody else reads any byte of its buffer. Default: no.
   * @returns Whether more may follow at once: the stream takes it, and there is time left in the turn; messages that
   * are sent all the same are kept where the stream does not take them.
   */
  send(message: Uint8Array, isGivenAway = false): boolean {
    const { limits } = this.request;
    if (message.byteLength > limits.sendBytes) {
      this.cancel(tooLargeToSend(message.byteLength, limits));
    } else if (this.#sending !== "open") return true;
    else if (this.#unsent !== undefined) this.#unsent.push(message);
    else this.#write(message, isGivenAway);
    streamTurn.count(1);
    if (streamTurn.isOver) this.#waitForTurn();
    return !this.#isBlocked && !this.#isDelayed;
  }

  /** Sends at once what would leave with the end of the turn, where the connection is not busy sending. */
  flush(): void {
    this.stream?.flush();
  }

  /** There are no more messages to send. */
  end(): void {
    if (this.#sending !== "open") return;
    this.#sending = "ending";
    if (this.#unsent === undefined) this.#writeEnd();
  }

  /**
   * What surrounds the messages of the response, once its header section has arrived; the trailer is empty until the
   * end was read. Before anything else is read.
   *
   * @throws {ConnectError} as `next`, where there is no response, or none that could be read.
   */
  async begun(): Promise<StreamMetadata> {
    for (;;) {
      if (this.#messages !== undefined) return this.#messages;
      if (this.#readOtherwise !== undefined) {
        return await this.#readOtherwise.response.catch((error) => this.#failOtherwise(error));
      }
      if (this.#reading.name === "failed") throw this.#reading.error;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  /**
   * The next message that has arrived already; `undefined` where there is none, or it has to wait its turn.
   *
   * @throws {ConnectError} as `next`.
   */
  take(): Uint8Array | undefined {
    if (this.#reading.name === "failed") throw this.#reading.error;
    const messages = this.#messages;
    if (messages === undefined) return undefined;
    try {
      if (streamTurn.isOver) return undefined;
      const message = messages.next();
      streamTurn.count(1);
      if (message !== undefined) return message;
      if (this.#complete && this.#reading.name === "open") {
        messages.judgeEnd();
        this.#settle({ name: "ended" });
      }
      return undefined;
    } catch (error) {
      this.cancel(error as ConnectError);
      throw error;
    }
  }

  /** Whether the call has failed, so that reading throws. */
  get hasFailed(): boolean {
    return this.#reading.name === "failed";
  }

  /**
   * The message behind the one that was taken, where it arrived with it and is small; `undefined` where only `take` or
   * `next` tell. Neither an end nor an error is read ahead.
   */
  takeSmall(): Uint8Array | undefined {
    if (this.#reading.name !== "open") return undefined;
    const message = this.#messages?.nextSmall();
    if (message !== undefined) streamTurn.count(1);
    return message;
  }

  /**
   * The next message; `undefined` once the response has ended. For one reader at a time.
   *
   * @throws {ConnectError} with details and metadata where the peer answered with an error; `notBegun`
   * and `connectionLost` tell what became of a call that was not answered.
   */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.take();
      if (message !== undefined || this.#reading.name === "ended") return message;
      if (this.#readOtherwise !== undefined) return await this.#nextOtherwise(this.#readOtherwise);
      if (streamTurn.isOver) await streamTurn.next();
      else await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  headers(fields: HeaderList, endStream: boolean): void {
    const { limits } = this.request;
    if (isOrdinaryStream(fields)) {
      const release = (count: number) => this.stream?.release(count);
      this.#messages = new ResponseMessages(fields, limits.messageBytes, release);
    } else {
      this.#body = new BodyReader({
        release: (count) => this.stream?.release(count),
        abandoned: () => {},
      });
      const response = readStreamResponse(this.request, fields, this.#body);
      this.#readOtherwise = { response, messages: messageBytes(response) };
      // It is thrown to the reader.
      response.catch(() => {});
    }
    this.#wake();
    if (endStream) this.#completed();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.#body !== undefined) this.#body.push(bytes);
    else if (this.#reading.name !== "open") this.stream?.release(bytes.byteLength);
    else this.#messages?.push(bytes);
    this.#arrived(endStream);
  }

  lent(bytes: Uint8Array, endStream: boolean): void {
    if (this.#body !== undefined) this.#body.push(bytes.slice());
    else if (this.#reading.name !== "open") this.stream?.release(bytes.byteLength);
    else this.#messages?.lend(bytes);
    this.#arrived(endStream);
  }

  trailers(fields: HeaderList): void {
    if (areValid(fields)) this.#completed();
    else this.cancel(invalidFields());
  }

  writable(): void {
    const unsent = this.#unsent;
    this.#unsent = undefined;
    for (let at = 0; unsent !== undefined && at < unsent.length; at++) {
      this.#write(unsent[at] as Uint8Array, false);
      if (this.#isBlocked) {
        this.#unsent = unsent.slice(at + 1);
        return;
      }
    }
    if (this.#sending === "ending") this.#writeEnd();
    else if (!this.#isDelayed) this.onWritable?.();
  }

  closed(end: StreamEnd): void {
    this.#sending = "ended";
    this.#unsent = undefined;
    if (!this.#complete) this.fail(errorOfStreamEnd(end, this.expiresAt));
  }

  protected override get isOver(): boolean {
    return this.#reading.name !== "open";
  }

  protected override fail(error: ConnectError): void {
    if (this.isOver) return;
    this.#sending = "ended";
    this.#unsent = undefined;
    this.#settle({ name: "failed", error });
    this.#messages?.drop();
    this.#body?.fail(error);
    this.#reportEnd(error);
  }

  #arrived(endStream: boolean): void {
    if (endStream) this.#completed();
    else this.#wake();
  }

  get #isBlocked(): boolean {
    return this.#unsent !== undefined;
  }

  #waitForTurn(): void {
    if (this.#isDelayed) return;
    this.#isDelayed = true;
    void streamTurn.next().then(() => {
      this.#isDelayed = false;
      if (!this.#isBlocked && this.#sending === "open") this.onWritable?.();
    });
  }

  #write(message: Uint8Array, isGivenAway: boolean): void {
    const stream = this.stream as Stream;
    const whole = inEnvelope(message, 0);
    if (whole !== undefined) {
      if (!stream.sendData(whole, false)) this.#unsent = [];
      return;
    }
    const ready = stream.sendData(envelopeHead(message.byteLength, 0), false);
    if (!stream.sendData(message, false, isGivenAway) || !ready) this.#unsent = [];
  }

  #writeEnd(): void {
    this.#sending = "ended";
    this.stream?.sendData(NO_BYTES, true);
  }

  /** All of the response has arrived: what is left of the request is of no use to anyone. */
  #completed(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#body?.end();
    this.#wake();
    this.#reportEnd(undefined);
    // Not before what came with it is read: a peer that ends the stream, too, needs no telling.
    if (this.#sending !== "ended") queueMicrotask(() => this.#abandonRequest());
  }

  #abandonRequest(): void {
    if (this.#sending === "ended") return;
    this.#sending = "ended";
    this.#unsent = undefined;
    this.stream?.reset(ErrorCode.CANCEL);
  }

  async #nextOtherwise({ messages }: ReadOtherwise): Promise<Uint8Array | undefined> {
    try {
      const { value } = await messages.next();
      if (value === undefined && this.#reading.name === "open") this.#settle({ name: "ended" });
      return value;
    } catch (error) {
      return this.#failOtherwise(error);
    }
  }

  #failOtherwise(error: unknown): never {
    this.cancel(error as ConnectError);
    throw this.#reading.name === "failed" ? this.#reading.error : error;
  }

  #reportEnd(error: ConnectError | undefined): void {
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.(error);
  }

  #settle(reading: Reading): void {
    this.#reading = reading;
    this.settle();
    this.#wake();
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }
}

/** Where the reader of the response stands. */
type Reading =
  | { readonly name: "open" }
  | { readonly name: "ended" }
  | { readonly name: "failed"; readonly error: ConnectError };

/** A response that connect-es reads. */
interface ReadOtherwise {
  readonly response: Promise<StreamResponse>;
  readonly messages: AsyncIterator<Uint8Array, undefined>;
}
