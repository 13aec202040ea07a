import { ChunkQueue } from "./chunk_queue.ts";
import type { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";
import type { Stream, StreamEnd, StreamReceiver } from "./stream.ts";
import type { StreamList } from "./stream_list.ts";
import { peerMaySend, type StreamState, weMaySend } from "./stream_state.ts";

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
  /** Bytes that the stream had received are done with. */
  released(stream: Http2Stream, count: number): void;
  /** The stream is to be reset. */
  resetRequested(stream: Http2Stream, code: ErrorCode): void;
}

/**
 * One stream: its state, its windows and what it has queued. The connection moves it; the program
 * holds it as a {@linkcode Stream}.
 */
export class Http2Stream implements Stream {
  id = 0;
  state: StreamState = "idle";
  /** Its end was reported, or will be as soon as there is a receiver. */
  over = false;
  unreportedEnd: StreamEnd | undefined;
  receiver: StreamReceiver | undefined;

  /** What we may send; below 0 after the peer's SETTINGS took away more than was left (RFC 9113 §6.9.2). */
  sendWindow = 0;
  /** Header sections that wait to be sent: 1xx ones before the final one. */
  headersToSend: HeaderList[] | undefined;
  /** The final header section has been sent, so that DATA may follow. */
  headersSent = false;
  readonly queue: ChunkQueue = new ChunkQueue();
  trailersToSend: HeaderList | undefined;
  /** What is queued ends our direction. */
  endQueued = false;
  /** `sendData` has returned `false` and `writable` is owed. */
  owesWritable = false;

  /** What the peer may send. */
  receiveWindow = 0;
  /** The window that credit restores, which may grow. */
  windowBytes = 0;
  /** When credit was given last. */
  creditedAt = -Infinity;
  /** Released octets that the peer was not given credit for yet. */
  owedCredit = 0;
  /** Octets delivered to the receiver and not released. */
  unreleased = 0;
  /** DATA frames that those octets came in, at most. */
  unreleasedFrames = 0;
  /** Octets of the body that `content-length` still announces, or -1. */
  bodyLeft = -1;
  /** The peer's final header section has arrived. */
  headersReceived = false;
  /** The answer has no body whatever its `content-length` says. */
  isHead = false;

  /** The next stream in the same place of the connection's table. */
  sharesPlace: Http2Stream | undefined;

  /** The list that the stream waits in, with its neighbours there. */
  list: StreamList<Http2Stream> | undefined;
  previous: Http2Stream | undefined;
  next: Http2Stream | undefined;

  readonly #host: StreamHost;
  /** We have queued our final header section. */
  #headersQueued = false;

  constructor(host: StreamHost, receiver: StreamReceiver | undefined) {
    this.#host = host;
    this.receiver = receiver;
  }

  /** Whether the peer may still send HEADERS and DATA. */
  get peerMaySend(): boolean {
    return peerMaySend(this.state);
  }

  /** Whether DATA, trailers or our end wait to be sent. */
  get hasContent(): boolean {
    return weMaySend(this.state) && (this.queue.length > 0 || this.endQueued);
  }

  /** Queues a client's request, whose fields were checked. */
  queueRequest(fields: HeaderList, body: Uint8Array | undefined, endStream: boolean): void {
    this.#headersQueued = true;
    this.headersToSend = [fields];
    if (body) this.queue.push(body);
    this.endQueued = endStream;
  }

  sendHeaders(fields: HeaderList, endStream: boolean): void {
    const { status } = this.#host.checkResponse(fields);
    if (this.#headersQueued) throw new TypeError("the response's headers were sent before");
    const informational = status < 200;
    if (informational && endStream) throw new TypeError("a 1xx response does not end its stream");
    if (!weMaySend(this.state)) return;
    if (!informational) this.#headersQueued = true;
    this.endQueued = endStream;
    if (this.headersToSend) this.headersToSend.push(fields);
    else this.headersToSend = [fields];
    this.#host.headersQueued(this);
  }

  sendData(bytes: Uint8Array, endStream: boolean): boolean {
    if (!weMaySend(this.state)) return true;
    this.#requireOpenBody();
    this.queue.push(bytes);
    this.endQueued = endStream;
    return this.#host.dataQueued(this, bytes.length);
  }

  sendTrailers(fields: HeaderList): void {
    this.#host.checkTrailers(fields);
    if (!weMaySend(this.state)) return;
    this.#requireOpenBody();
    this.trailersToSend = fields;
    this.endQueued = true;
    this.#host.dataQueued(this, 0);
  }

  release(count: number): void {
    this.#host.released(this, count);
  }

  reset(code: ErrorCode): void {
    this.#host.resetRequested(this, code);
  }

  #requireOpenBody(): void {
    if (!this.#headersQueued) throw new TypeError("headers are sent before the body");
    if (this.endQueued) throw new TypeError("our direction of the stream has ended");
  }
}
