import type { ByteChannel } from "../byte_channel.ts";
import type { ClientConnection, ConnectionOptions } from "./connection.ts";
import { ErrorCode } from "../error_code.ts";
import { isBodiless, type ResponseShape } from "../fields/response_fields.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import type { HeaderList } from "../header_list.ts";
import { ENTRY_OVERHEAD_BYTES } from "../hpack/mod.ts";
import { Http2Stream } from "../streams/http2_stream.ts";
import { MessageFrames } from "./message_frames.ts";
import { type ReceivedBlock, responseOf } from "./received_block.ts";
import type { Stream, StreamReceiver } from "../streams/stream.ts";
import { StreamList } from "../streams/stream_list.ts";
import { afterReceivedEnd, afterSentEnd } from "../streams/stream_state.ts";
import { Http2Violation } from "../violation.ts";

/** Starts HTTP/2 as client on a channel: the preface and SETTINGS go out at once, requests may follow without waiting. */
export function openClientConnection(
  channel: ByteChannel,
  options: ConnectionOptions = {},
): ClientConnection {
  return new Http2Client(channel, options);
}

/** Stream ids have 31 bits, and the client's are odd. */
const MAX_STREAMS = 2 ** 30;

class Http2Client extends MessageFrames implements ClientConnection {
  /** Opened streams that wait for the peer's concurrency limit. */
  readonly #waiting: StreamList<Http2Stream> = new StreamList<Http2Stream>();
  /** Streams whose HEADERS are queued, few and sent in their order; why no `Set`, `StreamTable` says. */
  readonly #unsent: Http2Stream[] = [];
  #nextStreamId = 1;
  #openedStreams = 0;

  constructor(channel: ByteChannel, options: ConnectionOptions) {
    super(channel, options);
    this.begin(CLIENT_PREFACE, [[Setting.ENABLE_PUSH, 0]]);
  }

  get streamCount(): number {
    return this.#active + this.#waiting.length;
  }

  get capacity(): number {
    if (this.state !== "open") return 0;
    return Math.max(0, this.peer.maxConcurrentStreams - this.streamCount);
  }

  open(
    fields: HeaderList,
    receiver: StreamReceiver,
    options: { readonly endStream: boolean; readonly body?: Uint8Array },
  ): Stream {
    const { isHead } = this.sentFields.request(fields);
    const stream = new Http2Stream(this, receiver);
    const refused = this.#refusal(fields);
    if (refused) {
      stream.state = "closed";
      queueMicrotask(() => this.finish(stream, "not-processed", ErrorCode.NO_ERROR, refused));
      return stream;
    }
    stream.isHead = isHead;
    stream.queueRequest(fields, options.body, options.endStream);
    this.#openedStreams++;
    this.queued.add(stream.queue.length);
    if (this.#active < this.peer.maxConcurrentStreams) this.#start(stream);
    else this.#waiting.push(stream);
    return stream;
  }

  override headersQueued(): void {
    throw new TypeError("a client's headers go with open()");
  }

  streamStarts(stream: Http2Stream): void {
    if (stream.id !== 0) return;
    this.#forgetUnsent(stream);
    stream.id = this.#nextStreamId;
    this.#nextStreamId += 2;
    stream.state = "open";
    this.openWindows(stream);
    this.streams.add(stream);
  }

  endSent(stream: Http2Stream): void {
    if (stream.over) return;
    stream.state = afterSentEnd(stream.state);
    if (stream.state === "closed") this.finish(stream, "complete");
  }

  /** A server opens no streams, since push is disabled. */
  protected override get lastPeerStreamId(): number {
    return 0;
  }

  protected override isIdleId(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStreamId;
  }

  protected override allStreams(): Http2Stream[] {
    const streams = [...this.streams.values(), ...this.#unsent];
    for (let stream = this.#waiting.first; stream; stream = stream.next) streams.push(stream);
    return streams;
  }

  protected override streamOver(stream: Http2Stream): void {
    super.streamOver(stream);
    if (stream.id === 0) this.#forgetUnsent(stream);
    this.#startWaiting();
  }

  protected override settingsApplied(): void {
    this.#takeBack(this.#active - this.peer.maxConcurrentStreams);
    this.#startWaiting();
  }

  protected override pushAllowed(): void {
    // RFC 9113 §6.5.2.
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a server that allows a client to push");
  }

  protected override beginShutdown(): void {
    this.announce(0, ErrorCode.NO_ERROR);
  }

  protected override disown(lastStreamId: number, code: ErrorCode): void {
    for (const stream of this.allStreams()) {
      if (stream.id === 0 || stream.id > lastStreamId) this.finish(stream, "not-processed", code);
    }
  }

  protected override resetByPeer(stream: Http2Stream, code: ErrorCode): void {
    // RFC 9113 §8.1: an answer that was whole is kept, though our request was not.
    const answered = stream.state === "half-closed-remote" && code === ErrorCode.NO_ERROR;
    const refused = code === ErrorCode.REFUSED_STREAM;
    const how = answered ? "complete" : refused ? "not-processed" : "reset-by-peer";
    this.finish(stream, how, code, undefined, "reset-by-peer");
  }

  protected override headersOnNoStream(streamId: number): void {
    if (this.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "HEADERS on an idle stream");
    }
    const how = this.closedStreams.how(streamId);
    if (how === "ended") {
      throw new Http2Violation(ErrorCode.STREAM_CLOSED, "HEADERS on a stream that has ended");
    }
    this.abuse.overheadFrame();
    if (how !== "reset-by-us") this.refuse(streamId, ErrorCode.STREAM_CLOSED);
  }

  protected override leadingHeaders(
    stream: Http2Stream,
    block: ReceivedBlock,
    endStream: boolean,
  ): void {
    if (this.isOversized(block)) {
      return this.streamError(stream, ErrorCode.ENHANCE_YOUR_CALM, "a header list over the limit");
    }
    const shape = responseOf(block);
    const wrong = typeof shape === "string" ? shape : this.#wrongLength(stream, shape, endStream);
    if (wrong) return this.streamError(stream, ErrorCode.PROTOCOL_ERROR, wrong);
    if ((shape as ResponseShape).status < 200) return this.abuse.overheadFrame();
    stream.headersReceived = true;
    if (endStream) stream.state = afterReceivedEnd(stream.state);
    try {
      stream.receiver!.headers?.(block.fields, endStream);
    } catch (error) {
      this.receiverFailed(stream, error);
    }
    if (stream.state === "closed") this.finish(stream, "complete");
  }

  /** Streams that count against the peer's limit. */
  get #active(): number {
    return this.streams.size + this.#unsent.length;
  }

  /** Notes what `content-length` announces, or returns what is wrong. */
  #wrongLength(
    stream: Http2Stream,
    shape: ResponseShape,
    endStream: boolean,
  ): string | undefined {
    if (shape.status < 200) return endStream ? "a 1xx response with END_STREAM" : undefined;
    if (stream.isHead || isBodiless(shape.status)) {
      stream.bodyLeft = 0;
      return undefined;
    }
    if (endStream && shape.contentLength > 0) return "content-length differs from the body";
    stream.bodyLeft = shape.contentLength;
    return undefined;
  }

  /** Why a request is not sent. */
  #refusal(fields: HeaderList): Error | undefined {
    if (this.state !== "open") return new Error(`the connection is ${this.state}`);
    if (listBytes(fields) > this.peer.maxHeaderListBytes) {
      return new Error("the header list is larger than the peer accepts");
    }
    if (this.#openedStreams < MAX_STREAMS) return undefined;
    this.shutdown();
    return new Error("the connection has no stream id left");
  }

  #start(stream: Http2Stream): void {
    this.#unsent.push(stream);
    this.scheduler.addHeaders(stream);
  }

  /** Streams above a limit that the peer has lowered wait again, in their order. */
  #takeBack(excess: number): void {
    for (; excess > 0 && this.#unsent.length > 0; excess--) {
      const stream = this.#unsent.pop()!;
      stream.list?.remove(stream);
      this.#waiting.unshift(stream);
    }
  }

  #forgetUnsent(stream: Http2Stream): void {
    const at = this.#unsent.indexOf(stream);
    if (at === 0) this.#unsent.shift();
    else if (at > 0) this.#unsent.splice(at, 1);
  }

  #startWaiting(): void {
    if (this.state === "closed") return;
    for (let stream = this.#waiting.first; stream; stream = this.#waiting.first) {
      if (this.#active >= this.peer.maxConcurrentStreams) return;
      this.#waiting.remove(stream);
      this.#start(stream);
    }
  }
}

function listBytes(fields: HeaderList): number {
  let bytes = 0;
  for (let at = 0; at < fields.length; at++) bytes += fields[at]!.length;
  return bytes + fields.length / 2 * ENTRY_OVERHEAD_BYTES;
}
