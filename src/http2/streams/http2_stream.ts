import type { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";
import { Receiving } from "./receiving.ts";
import { Sending } from "./sending.ts";
import type { Stream, StreamEnd, StreamReceiver } from "./stream.ts";
import type { StreamList } from "./stream_list.ts";
import {
  afterReceivedEnd,
  afterSentEnd,
  peerMaySend,
  type StreamState,
  weMaySend,
} from "./stream_state.ts";

/** What a stream asks of its connection. */
export interface StreamHost {
  /** Checks fields that are about to be sent; throws a `TypeError` for those that may not be. */
  checkResponse(fields: HeaderList): { readonly status: number };
  /** Checks trailers that are about to be sent; throws a `TypeError` for those that may not be. */
  checkTrailers(fields: HeaderList): void;
  /** The stream has HEADERS to send. */
  headersQueued(stream: Http2Stream): void;
  /** The stream has DATA, trailers or its end to send; returns whether it may queue more. */
  dataQueued(stream: Http2Stream, bytes: number): boolean;
  /** What is queued is to leave before the end of the turn. */
  flushRequested(): void;
  /** Bytes that the stream had received are done with. */
  released(stream: Http2Stream, count: number): void;
  /** All of the stream's body will be released as it arrives. */
  takenWhole(stream: Http2Stream): void;
  /** The stream is to be reset. */
  resetRequested(stream: Http2Stream, code: ErrorCode): void;
}

/**
 * One stream: its state, its windows and what it has queued. The connection moves it; the program
 * holds it as a {@linkcode Stream}.
 */
export class Http2Stream implements Stream {
  id = 0;
  /** Its end was reported, or will be as soon as there is a receiver. */
  over = false;
  unreportedEnd: StreamEnd | undefined;
  receiver: StreamReceiver | undefined;

  /** Our direction. */
  readonly sending: Sending = new Sending();
  /** The peer's direction. */
  readonly receiving: Receiving = new Receiving();
  /** The answer has no body whatever its `content-length` says. */
  isHead = false;

  /** The next stream in the same place of the connection's table. */
  sharesPlace: Http2Stream | undefined;

  /** The list that the stream waits in, with its neighbours there. */
  list: StreamList<Http2Stream> | undefined;
  previous: Http2Stream | undefined;
  next: Http2Stream | undefined;

  readonly #host: StreamHost;
  #state: StreamState = "idle";
  /** We have queued our final header section. */
  #headersQueued = false;

  constructor(host: StreamHost, receiver: StreamReceiver | undefined) {
    this.#host = host;
    this.receiver = receiver;
  }

  /** Where it stands in RFC 9113 §5.1. */
  get state(): StreamState {
    return this.#state;
  }

  /** Whether the peer may still send HEADERS and DATA. */
  get peerMaySend(): boolean {
    return peerMaySend(this.#state);
  }

  /** HEADERS opened it; with END_STREAM, the peer's direction has ended with them. */
  open(id: number, peerEnded: boolean): void {
    this.id = id;
    this.#state = peerEnded ? "half-closed-remote" : "open";
  }

  /** END_STREAM was sent. */
  sentEnd(): void {
    this.#state = afterSentEnd(this.#state);
  }

  /** END_STREAM was received. */
  receivedEnd(): void {
    this.#state = afterReceivedEnd(this.#state);
  }

  /** RST_STREAM went either way, or the connection ended. */
  close(): void {
    this.#state = "closed";
  }

  /** Whether DATA, trailers or our end wait to be sent. */
  get hasContent(): boolean {
    return weMaySend(this.#state) && (this.sending.queue.length > 0 || this.sending.endQueued);
  }

  /** Queues a client's request, whose fields were checked. */
  queueRequest(fields: HeaderList, body: Uint8Array | undefined, endStream: boolean): void {
    this.#headersQueued = true;
    this.sending.headers = [fields];
    if (body) this.sending.queue.push(body);
    this.sending.endQueued = endStream;
  }

  sendHeaders(fields: HeaderList, endStream: boolean): void {
    const { status } = this.#host.checkResponse(fields);
    if (this.#headersQueued) throw new TypeError("the response's headers were sent before");
    const informational = status < 200;
    if (informational && endStream) throw new TypeError("a 1xx response does not end its stream");
    if (!weMaySend(this.#state)) return;
    if (!informational) this.#headersQueued = true;
    this.sending.endQueued = endStream;
    if (this.sending.headers) this.sending.headers.push(fields);
    else this.sending.headers = [fields];
    this.#host.headersQueued(this);
  }

  sendData(bytes: Uint8Array, endStream: boolean, isGivenAway = false): boolean {
    if (!weMaySend(this.#state)) return true;
    this.#requireOpenBody();
    this.sending.queue.push(bytes, isGivenAway);
    this.sending.endQueued = endStream;
    return this.#host.dataQueued(this, bytes.length);
  }

  sendTrailers(fields: HeaderList): void {
    this.#host.checkTrailers(fields);
    if (!weMaySend(this.#state)) return;
    this.#requireOpenBody();
    this.sending.trailers = fields;
    this.sending.endQueued = true;
    this.#host.dataQueued(this, 0);
  }

  release(count: number): void {
    this.#host.released(this, count);
  }

  takeWhole(): void {
    this.#host.takenWhole(this);
  }

  flush(): void {
    this.#host.flushRequested();
  }

  reset(code: ErrorCode): void {
    this.#host.resetRequested(this, code);
  }

  #requireOpenBody(): void {
    if (!this.#headersQueued) throw new TypeError("headers are sent before the body");
    if (this.sending.endQueued) throw new TypeError("our direction of the stream has ended");
  }
}
