import { nextTick } from "node:process";
import type { ServerConnectionOptions } from "./connection.ts";
import { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";
import { Http2Stream } from "../streams/http2_stream.ts";
import type { StreamReceiver } from "../streams/stream.ts";
import { Http2Violation } from "../violation.ts";
import type { ConnectionParts } from "./parts.ts";
import { type ReceivedBlock, requestOf } from "./received_block.ts";
import type { Role } from "./role.ts";

/** Until our limit binds the peer, this many times as many streams are taken (RFC 9113 §5.1.2). */
const UNACKNOWLEDGED_FACTOR = 2;

/** RFC 6585 §5: the answer to a request whose header list is over the limit. */
const FIELDS_TOO_LARGE: HeaderList = [":status", "431"];

/** The server: its streams are opened by the client, and each begins with a request. */
export class ServerRole implements Role {
  readonly #parts: ConnectionParts;
  readonly #onRequest: ServerConnectionOptions["onRequest"];
  #lastStreamId = 0;
  /** The highest id of all; above `#lastStreamId` where our GOAWAY has disowned it. */
  #highestId = 0;

  constructor(parts: ConnectionParts, onRequest: ServerConnectionOptions["onRequest"]) {
    this.#parts = parts;
    this.#onRequest = onRequest;
  }

  get streamCount(): number {
    return this.#parts.streams.table.size;
  }

  get lastPeerStreamId(): number {
    return this.#lastStreamId;
  }

  /** Once all microtasks have run: what has answered has given its place back then. */
  deferHeaders(flush: () => void): void {
    nextTick(flush);
  }

  /** A server's streams have their ids from the client. */
  streamStarts(): void {}

  endSent(stream: Http2Stream): void {
    if (stream.over) return;
    const { streams, scheduler } = this.#parts;
    stream.sentEnd();
    if (stream.state === "closed") return streams.finish(stream, "complete");
    // RFC 9113 §8.1: the response is whole, and needs no more of the request.
    scheduler.resetAfterEnd(stream.id);
    streams.finish(stream, "complete", ErrorCode.NO_ERROR, undefined, "reset-by-us");
  }

  streamOver(): void {}

  isIdleId(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#highestId;
  }

  allStreams(): Http2Stream[] {
    return [...this.#parts.streams.table.values()];
  }

  settingsApplied(): void {}

  /** A server opens no streams that a client could disown. */
  disown(): void {}

  /** RFC 9113 §6.8: first nothing is disowned, until what is on its way has arrived. */
  beginShutdown(): void {
    const { lifecycle, deadlines, pings, limits } = this.#parts;
    lifecycle.announceShutdown();
    const disown = () => {
      if (lifecycle.disowns) return;
      deadlines.clear("shutdown");
      lifecycle.announce(this.#lastStreamId, ErrorCode.NO_ERROR);
    };
    // Twice: a peer may answer a PING ahead of requests that it had queued before.
    pings.send(() => pings.send(disown));
    deadlines.set("shutdown", limits.closeGraceMs, disown);
  }

  resetByPeer(stream: Http2Stream, code: ErrorCode): void {
    this.#parts.streams.finish(stream, "reset-by-peer", code);
    this.#parts.abuse.streamReset();
  }

  leadingHeaders(): void {
    throw new Error("a request's stream begins with its headers");
  }

  headersOnNoStream(
    streamId: number,
    block: ReceivedBlock,
    endStream: boolean,
    dependsOn: number,
  ): void {
    const { streams, lifecycle, abuse, limits } = this.#parts;
    if (!this.isIdleId(streamId)) return this.#headersOnClosedStream(streamId);
    if (streamId % 2 === 0) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a client's stream with an even id");
    }
    this.#highestId = streamId;
    if (lifecycle.announcedLastId !== undefined && streamId > lifecycle.announcedLastId) {
      // It may have been on its way when we announced the end; many are not.
      abuse.overheadFrame();
      return streams.refuse(streamId, ErrorCode.REFUSED_STREAM);
    }
    this.#lastStreamId = streamId;
    if (this.#isFull()) return this.#refuseExcess(streamId);
    if (block.listBytes > limits.maxHeaderListBytes) {
      return this.#answerOversized(streamId, endStream);
    }
    const shape = requestOf(block);
    const malformed = typeof shape === "string" || (endStream && shape.contentLength > 0);
    if (malformed || dependsOn === streamId) {
      streams.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
      return abuse.streamReset();
    }
    const stream = this.#open(streamId, endStream, undefined);
    if (!endStream) stream.receiving.bodyLeft = shape.contentLength;
    this.#deliver(stream, block.fields, endStream);
  }

  #headersOnClosedStream(streamId: number): void {
    const { streams, abuse } = this.#parts;
    switch (streams.closed.how(streamId)) {
      case "reset-by-us":
        // Trailers that crossed our RST_STREAM on the way.
        return abuse.overheadFrame();
      case "reset-by-peer":
        streams.refuse(streamId, ErrorCode.STREAM_CLOSED);
        return abuse.streamReset();
      case "ended":
        throw new Http2Violation(ErrorCode.STREAM_CLOSED, "HEADERS on a stream that has ended");
      case undefined:
        // RFC 9113 §5.1.1: also one that was skipped and so closed without ever being open.
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a stream id that does not rise");
    }
  }

  /** Whether no more streams are taken: there are too many, or responses that the peer does not take. */
  #isFull(): boolean {
    const { queued, limits } = this.#parts;
    return this.#excess || queued.bytes > limits.maxQueuedBytes;
  }

  /** Whether the peer has more streams than it may. */
  get #excess(): boolean {
    const { settings, limits } = this.#parts;
    const factor = settings.acknowledged ? 1 : UNACKNOWLEDGED_FACTOR;
    return this.streamCount >= limits.maxConcurrentStreams * factor;
  }

  #refuseExcess(streamId: number): void {
    const { streams, settings, abuse } = this.#parts;
    streams.refuse(streamId, ErrorCode.REFUSED_STREAM);
    if (this.#excess && settings.acknowledged) abuse.streamReset();
  }

  #open(streamId: number, endStream: boolean, receiver: StreamReceiver | undefined): Http2Stream {
    const { streams, settings } = this.#parts;
    const stream = new Http2Stream(streams, receiver);
    stream.open(streamId, endStream);
    stream.receiving.headersReceived = true;
    settings.openWindows(stream);
    streams.table.add(stream);
    return stream;
  }

  #deliver(stream: Http2Stream, fields: HeaderList, endStream: boolean): void {
    const { streams } = this.#parts;
    try {
      stream.receiver = this.#onRequest(stream, fields, endStream);
    } catch (error) {
      stream.receiver = NO_RECEIVER;
      streams.receiverFailed(stream, error);
    }
    if (stream.unreportedEnd) streams.reportEnd(stream, stream.unreportedEnd);
  }

  #answerOversized(streamId: number, endStream: boolean): void {
    this.#parts.abuse.streamReset();
    this.#open(streamId, endStream, NO_RECEIVER).sendHeaders(FIELDS_TOO_LARGE, true);
  }
}

/** The receiver of a request that is not passed on. */
const NO_RECEIVER: StreamReceiver = { data() {}, trailers() {}, closed() {} };
