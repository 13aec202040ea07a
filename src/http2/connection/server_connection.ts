import type { ByteChannel } from "../byte_channel.ts";
import type { ServerConnection, ServerConnectionOptions } from "./connection.ts";
import { NO_STREAM_DISOWNED } from "./connection_core.ts";
import { ErrorCode } from "../error_code.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import type { HeaderList } from "../header_list.ts";
import { Http2Stream } from "../streams/http2_stream.ts";
import { MessageFrames } from "./message_frames.ts";
import { type ReceivedBlock, requestOf } from "./received_block.ts";
import type { StreamReceiver } from "../streams/stream.ts";
import { afterSentEnd } from "../streams/stream_state.ts";
import { Http2Violation } from "../violation.ts";

/** Starts HTTP/2 as server on a channel. */
export function openServerConnection(
  channel: ByteChannel,
  options: ServerConnectionOptions,
): ServerConnection {
  return new Http2Server(channel, options);
}

/** Until our limit binds the peer, this many times as many streams are taken (RFC 9113 §5.1.2). */
const UNACKNOWLEDGED_FACTOR = 2;

/** RFC 6585 §5: the answer to a request whose header list is over the limit. */
const FIELDS_TOO_LARGE: HeaderList = [":status", "431"];

class Http2Server extends MessageFrames implements ServerConnection {
  readonly #onRequest: ServerConnectionOptions["onRequest"];
  #lastStreamId = 0;

  constructor(channel: ByteChannel, options: ServerConnectionOptions) {
    super(channel, options, CLIENT_PREFACE);
    this.#onRequest = options.onRequest;
    this.begin(new Uint8Array(0), [
      [Setting.MAX_CONCURRENT_STREAMS, this.limits.maxConcurrentStreams],
    ]);
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** A server's streams have their ids from the client. */
  streamStarts(): void {}

  endSent(stream: Http2Stream): void {
    if (stream.over) return;
    stream.state = afterSentEnd(stream.state);
    if (stream.state === "closed") return this.finish(stream, "complete");
    // RFC 9113 §8.1: the answer is whole, and needs no more of the request.
    this.scheduler.resetAfterEnd(stream.id);
    this.finish(stream, "complete", ErrorCode.NO_ERROR, undefined, "reset-by-us");
  }

  protected override get lastPeerStreamId(): number {
    return this.#lastStreamId;
  }

  protected override isIdleId(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#lastStreamId;
  }

  protected override allStreams(): Http2Stream[] {
    return [...this.streams.values()];
  }

  protected override settingsApplied(): void {}

  /** Push is never made use of. */
  protected override pushAllowed(): void {}

  /** A server opens no streams that a client could disown. */
  protected override disown(): void {}

  /** RFC 9113 §6.8: first nothing is disowned, until what is on its way has arrived. */
  protected override beginShutdown(): void {
    this.announce(NO_STREAM_DISOWNED, ErrorCode.NO_ERROR);
    const disown = () => {
      if (this.announcedLastId !== NO_STREAM_DISOWNED) return;
      this.deadlines.clear("shutdown");
      this.announce(this.#lastStreamId, ErrorCode.NO_ERROR);
    };
    // Twice: a peer may answer a PING ahead of requests that it had queued before.
    this.pings.send(() => this.pings.send(disown));
    this.deadlines.set("shutdown", this.limits.closeGraceMs, disown);
  }

  protected override resetByPeer(stream: Http2Stream, code: ErrorCode): void {
    this.finish(stream, "reset-by-peer", code);
    this.abuse.streamReset();
  }

  protected override leadingHeaders(): void {
    throw new Error("a request's stream begins with its headers");
  }

  protected override headersOnNoStream(
    streamId: number,
    block: ReceivedBlock,
    endStream: boolean,
    dependsOn: number,
  ): void {
    if (!this.isIdleId(streamId)) return this.#headersOnClosedStream(streamId);
    if (streamId % 2 === 0) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a client's stream with an even id");
    }
    if (this.announcedLastId !== undefined && streamId > this.announcedLastId) {
      // It may have been on its way when we announced the end.
      return this.refuse(streamId, ErrorCode.REFUSED_STREAM);
    }
    this.#lastStreamId = streamId;
    if (this.#isFull()) return this.#refuseExcess(streamId);
    if (this.isOversized(block)) return this.#answerOversized(streamId, endStream);
    const shape = requestOf(block);
    const malformed = typeof shape === "string" || (endStream && shape.contentLength > 0);
    if (malformed || dependsOn === streamId) {
      this.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return this.abuse.streamReset();
    }
    const stream = this.#open(streamId, endStream, undefined);
    if (!endStream) stream.bodyLeft = shape.contentLength;
    this.#deliver(stream, block.fields, endStream);
  }

  #headersOnClosedStream(streamId: number): void {
    switch (this.closedStreams.how(streamId)) {
      case "reset-by-us":
        // Trailers that crossed our RST_STREAM on the way.
        return this.abuse.overheadFrame();
      case "reset-by-peer":
        this.refuse(streamId, ErrorCode.STREAM_CLOSED);
        return this.abuse.streamReset();
      case "ended":
        throw new Http2Violation(ErrorCode.STREAM_CLOSED, "HEADERS on a stream that has ended");
      case undefined:
        // RFC 9113 §5.1.1: also one that was skipped and so closed without ever being open.
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a stream id that does not rise");
    }
  }

  /** Whether no more streams are taken: there are too many, or answers that the peer does not take. */
  #isFull(): boolean {
    return this.#excess || this.queued.bytes > this.limits.maxQueuedBytes;
  }

  /** Whether the peer has more streams than it may. */
  get #excess(): boolean {
    const factor = this.settingsAcknowledged ? 1 : UNACKNOWLEDGED_FACTOR;
    return this.streams.size >= this.limits.maxConcurrentStreams * factor;
  }

  #refuseExcess(streamId: number): void {
    this.refuse(streamId, ErrorCode.REFUSED_STREAM);
    if (this.#excess && this.settingsAcknowledged) this.abuse.streamReset();
  }

  #open(streamId: number, endStream: boolean, receiver: StreamReceiver | undefined): Http2Stream {
    const stream = new Http2Stream(this, receiver);
    stream.id = streamId;
    stream.state = endStream ? "half-closed-remote" : "open";
    stream.headersReceived = true;
    this.openWindows(stream);
    this.streams.add(stream);
    return stream;
  }

  #deliver(stream: Http2Stream, fields: HeaderList, endStream: boolean): void {
    try {
      stream.receiver = this.#onRequest(stream, fields, endStream);
    } catch (error) {
      stream.receiver = NOBODY;
      this.receiverFailed(stream, error);
    }
    if (stream.untoldEnd) this.tellEnd(stream, stream.untoldEnd);
  }

  #answerOversized(streamId: number, endStream: boolean): void {
    this.abuse.streamReset();
    this.#open(streamId, endStream, NOBODY).sendHeaders(FIELDS_TOO_LARGE, true);
  }
}

/** The receiver of a request that reaches nobody. */
const NOBODY: StreamReceiver = { data() {}, trailers() {}, closed() {} };
