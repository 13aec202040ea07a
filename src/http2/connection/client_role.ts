import { ErrorCode } from "../error_code.ts";
import { isBodiless, type ResponseShape } from "../fields/response_fields.ts";
import type { HeaderList } from "../header_list.ts";
import { ENTRY_OVERHEAD_BYTES } from "../hpack/mod.ts";
import { HeaderListTooLarge } from "./header_list_too_large.ts";
import { Http2Stream } from "../streams/http2_stream.ts";
import type { Stream, StreamReceiver } from "../streams/stream.ts";
import { StreamList } from "../streams/stream_list.ts";
import { Http2Violation } from "../violation.ts";
import type { ConnectionParts } from "./parts.ts";
import { type ReceivedBlock, responseOf } from "./received_block.ts";
import type { Role } from "./role.ts";

/** Stream ids have 31 bits, and the client's are odd. */
const MAX_STREAMS = 2 ** 30;

/** The client: it opens streams, as many at once as the server allows, and reads responses. */
export class ClientRole implements Role {
  readonly #parts: ConnectionParts;
  /** Opened streams that wait for the peer's concurrency limit. */
  readonly #waiting: StreamList<Http2Stream> = new StreamList<Http2Stream>();
  /** Streams whose HEADERS are queued, few and sent in their order; why no `Set`, `StreamTable` says. */
  readonly #unsent: Http2Stream[] = [];
  #nextStreamId = 1;
  #openedStreams = 0;
  /** A GOAWAY waits for the HEADERS of streams that were opened before it. */
  #goAwayOwed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get streamCount(): number {
    return this.#active + this.#waiting.length;
  }

  /** A server opens no streams, since push is disabled. */
  get lastPeerStreamId(): number {
    return 0;
  }

  /** How many streams may be opened now without waiting. */
  get capacity(): number {
    const { lifecycle, settings } = this.#parts;
    if (lifecycle.state !== "open") return 0;
    return Math.max(0, settings.peer.maxConcurrentStreams - this.streamCount);
  }

  /** The largest header list that the server takes; `Infinity` until it says. */
  get peerMaxHeaderListBytes(): number {
    return this.#parts.settings.peer.maxHeaderListBytes;
  }

  /** Opens a stream, as `ClientConnection.open` documents it. */
  open(
    fields: HeaderList,
    receiver: StreamReceiver,
    options: { readonly endStream: boolean; readonly body?: Uint8Array },
  ): Stream {
    const { streams, queued, settings } = this.#parts;
    const { isHead } = streams.sentFields.request(fields);
    const stream = new Http2Stream(streams, receiver);
    const refused = this.#refusal(fields);
    if (refused) {
      stream.close();
      queueMicrotask(() => streams.finish(stream, "not-processed", ErrorCode.NO_ERROR, refused));
      return stream;
    }
    stream.isHead = isHead;
    stream.queueRequest(fields, options.body, options.endStream);
    this.#openedStreams++;
    queued.add(stream.sending.queue.length);
    if (this.#active < settings.peer.maxConcurrentStreams) this.#start(stream);
    else this.#waiting.push(stream);
    return stream;
  }

  /** A microtask: whoever calls waits for the answer. */
  deferHeaders(flush: () => void): void {
    queueMicrotask(flush);
  }

  streamStarts(stream: Http2Stream): void {
    if (stream.id !== 0) return;
    const { settings, streams } = this.#parts;
    this.#forgetUnsent(stream);
    stream.open(this.#nextStreamId, false);
    this.#nextStreamId += 2;
    settings.openWindows(stream);
    streams.table.add(stream);
    this.#announceIfOwed();
  }

  endSent(stream: Http2Stream): void {
    if (stream.over) return;
    stream.sentEnd();
    if (stream.state === "closed") this.#parts.streams.finish(stream, "complete");
  }

  streamOver(stream: Http2Stream): void {
    if (stream.id === 0) this.#forgetUnsent(stream);
    this.#startWaiting();
    this.#announceIfOwed();
  }

  isIdleId(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStreamId;
  }

  allStreams(): Http2Stream[] {
    const all = [...this.#parts.streams.table.values(), ...this.#unsent];
    for (let stream = this.#waiting.first; stream; stream = stream.next) all.push(stream);
    return all;
  }

  settingsApplied(): void {
    this.#takeBack(this.#active - this.#parts.settings.peer.maxConcurrentStreams);
    this.#startWaiting();
  }

  /** A server that has no stream ends at a GOAWAY: HEADERS that it overtakes would come too late. */
  beginShutdown(): void {
    this.#goAwayOwed = true;
    this.#announceIfOwed();
  }

  disown(lastStreamId: number, code: ErrorCode): void {
    for (const stream of this.allStreams()) {
      if (stream.id !== 0 && stream.id <= lastStreamId) continue;
      const how = hasBegun(stream) ? "connection-lost" : "not-processed";
      this.#parts.streams.finish(stream, how, code);
    }
  }

  resetByPeer(stream: Http2Stream, code: ErrorCode): void {
    // RFC 9113 §8.1: a response that was whole is kept, though our request was not.
    const answered = stream.state === "half-closed-remote" && code === ErrorCode.NO_ERROR;
    const refused = code === ErrorCode.REFUSED_STREAM && !hasBegun(stream);
    const how = answered ? "complete" : refused ? "not-processed" : "reset-by-peer";
    this.#parts.streams.finish(stream, how, code, undefined, "reset-by-peer");
  }

  headersOnNoStream(streamId: number): void {
    if (this.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "HEADERS on an idle stream");
    }
    this.#parts.streams.contentOnClosed(streamId, "HEADERS");
  }

  leadingHeaders(stream: Http2Stream, block: ReceivedBlock, endStream: boolean): void {
    const { streams, abuse, limits } = this.#parts;
    if (block.listBytes > limits.maxHeaderListBytes) {
      const message = "a header list over the limit";
      return streams.violated(stream, ErrorCode.ENHANCE_YOUR_CALM, message);
    }
    const shape = responseOf(block);
    const wrong = typeof shape === "string" ? shape : wrongLength(stream, shape, endStream);
    if (wrong) return streams.violated(stream, ErrorCode.PROTOCOL_ERROR, wrong);
    if ((shape as ResponseShape).status < 200) return abuse.overheadFrame();
    stream.receiving.headersReceived = true;
    if (endStream) stream.receivedEnd();
    try {
      stream.receiver!.headers?.(block.fields, endStream);
    } catch (error) {
      streams.receiverFailed(stream, error);
    }
    if (stream.state === "closed") streams.finish(stream, "complete");
  }

  /** Streams that count against the peer's limit. */
  get #active(): number {
    return this.#parts.streams.table.size + this.#unsent.length;
  }

  /** Why a request is not sent. */
  #refusal(fields: HeaderList): Error | undefined {
    const { lifecycle, settings } = this.#parts;
    if (lifecycle.state !== "open") return new Error(`the connection is ${lifecycle.state}`);
    const bytes = listBytes(fields);
    const { maxHeaderListBytes } = settings.peer;
    if (bytes > maxHeaderListBytes) return new HeaderListTooLarge(bytes, maxHeaderListBytes);
    if (this.#openedStreams < MAX_STREAMS) return undefined;
    lifecycle.shutdown();
    return new Error("the connection has no stream id left");
  }

  #announceIfOwed(): void {
    const { lifecycle } = this.#parts;
    if (!this.#goAwayOwed || this.#unsent.length > 0 || this.#waiting.length > 0) return;
    this.#goAwayOwed = false;
    if (!lifecycle.ending) lifecycle.announce(0, ErrorCode.NO_ERROR);
  }

  #start(stream: Http2Stream): void {
    this.#unsent.push(stream);
    this.#parts.scheduler.addHeaders(stream);
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
    const { lifecycle, settings } = this.#parts;
    if (lifecycle.state === "closed") return;
    for (let stream = this.#waiting.first; stream; stream = this.#waiting.first) {
      if (this.#active >= settings.peer.maxConcurrentStreams) return;
      this.#waiting.remove(stream);
      this.#start(stream);
    }
  }
}

/** Whether the server has answered: whatever it says later, it has processed the request (RFC 9113 §8.7). */
function hasBegun(stream: Http2Stream): boolean {
  return stream.receiving.headersReceived;
}

/** Notes what `content-length` announces, or returns what is wrong. */
function wrongLength(
  stream: Http2Stream,
  shape: ResponseShape,
  endStream: boolean,
): string | undefined {
  if (shape.status < 200) return endStream ? "a 1xx response with END_STREAM" : undefined;
  if (stream.isHead || isBodiless(shape.status)) {
    stream.receiving.bodyLeft = 0;
    return undefined;
  }
  if (endStream && shape.contentLength > 0) return "content-length differs from the body";
  stream.receiving.bodyLeft = shape.contentLength;
  return undefined;
}

function listBytes(fields: HeaderList): number {
  let bytes = 0;
  for (let at = 0; at < fields.length; at++) bytes += fields[at]!.length;
  return bytes + fields.length / 2 * ENTRY_OVERHEAD_BYTES;
}
