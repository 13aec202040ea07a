import type { ConnectionOptions } from "./connection.ts";
import { ErrorCode } from "../error_code.ts";
import type { FrameSink } from "../frame/frame_sink.ts";
import { MAX_WINDOW_BYTES } from "../frame/settings.ts";
import { copied, mayBeKept } from "../guard/received_bytes.ts";
import { type HpackDecoder, HpackError } from "../hpack/mod.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import type { StreamReceiver } from "../streams/stream.ts";
import { Http2Violation } from "../violation.ts";
import type { ConnectionParts } from "./parts.ts";
import { type BlockNote, type ReceivedBlock, wrongTrailers } from "./received_block.ts";
import type { Role } from "./role.ts";

/** A header list this many times over its limit is a bomb and no mistake. */
const BOMB_FACTOR = 16;

/** Debug data of the peer's GOAWAY beyond this is dropped. */
const MAX_DEBUG_BYTES = 256;

/** From here on DATA is lent to receivers that copy what they keep: less is copied for them at a lower cost. */
const LEAST_LENT_BYTES = 4096;

/** What each frame of the peer does, the same on both ends but for what their {@linkcode Role} decides. */
export class ReceivedFrames implements FrameSink {
  readonly #parts: ConnectionParts;
  readonly #role: Role;
  readonly #decoder: HpackDecoder<BlockNote>;
  readonly #onGoAway: ConnectionOptions["onGoAway"];
  #peerLastStreamId = Infinity;

  constructor(
    parts: ConnectionParts,
    role: Role,
    decoder: HpackDecoder<BlockNote>,
    onGoAway: ConnectionOptions["onGoAway"],
  ) {
    this.#parts = parts;
    this.#role = role;
    this.#decoder = decoder;
    this.#onGoAway = onGoAway;
  }

  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): boolean {
    const { abuse, flow, streams } = this.#parts;
    const length = end - start;
    if (length > 0) abuse.dataPassed(length);
    else if (!endStream) abuse.overheadFrame();
    flow.take(flowBytes);
    const stream = streams.table.get(streamId);
    if (!stream) {
      flow.discard(flowBytes);
      if (this.#role.isIdleId(streamId)) {
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
      }
      streams.contentOnClosed(streamId, "DATA");
      return false;
    }
    if (!this.#admitsData(stream, length, flowBytes, endStream)) {
      flow.discard(flowBytes);
      return false;
    }
    stream.receiving.window -= flowBytes;
    const padding = flowBytes - length;
    if (padding > 0) {
      flow.discard(padding);
      flow.credit(stream, padding);
    }
    if (length > 0) flow.deliver(stream, length);
    if (endStream) stream.receivedEnd();
    else if (length === 0) return false;
    let isKept = false;
    try {
      isKept = this.#give(stream.receiver!, bytes, start, end, endStream);
    } catch (error) {
      streams.receiverFailed(stream, error);
      // What was kept before it failed is not known.
      isKept = true;
    }
    if (stream.state === "closed") streams.finish(stream, "complete");
    return isKept;
  }

  /** Returns whether the receiver was given a view that it may keep. */
  #give(
    receiver: StreamReceiver,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): boolean {
    if (receiver.lent !== undefined && end - start >= LEAST_LENT_BYTES) {
      receiver.lent(bytes.subarray(start, end), endStream);
      return false;
    }
    const isKept = this.#parts.flow.mayPin && mayBeKept(bytes, end - start);
    receiver.data(isKept ? bytes.subarray(start, end) : copied(bytes, start, end), endStream);
    return isKept;
  }

  onHeaders(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
    dependsOn: number,
  ): void {
    // Every block passes the decoder, whatever becomes of its stream: the next one builds on it.
    const block = this.#decode(bytes, start, end);
    const { streams } = this.#parts;
    const stream = streams.table.get(streamId);
    if (!stream) return this.#role.headersOnNoStream(streamId, block, endStream, dependsOn);
    if (!stream.peerMaySend) {
      return streams.violated(stream, ErrorCode.STREAM_CLOSED, "HEADERS after END_STREAM");
    }
    if (dependsOn === streamId) {
      return streams.violated(stream, ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself");
    }
    if (!stream.receiving.headersReceived) {
      return this.#role.leadingHeaders(stream, block, endStream);
    }
    this.#trailers(stream, block, endStream);
  }

  onRstStream(streamId: number, code: ErrorCode): void {
    const stream = this.#parts.streams.table.get(streamId);
    if (stream) return this.#role.resetByPeer(stream, code);
    if (this.#role.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    }
    this.#parts.abuse.overheadFrame();
  }

  onSettings(bytes: Uint8Array, start: number, end: number): void {
    const { abuse, settings, scheduler } = this.#parts;
    abuse.overheadFrame();
    settings.receive(bytes, start, end);
    this.#role.settingsApplied();
    scheduler.schedule();
  }

  onSettingsAck(): void {
    this.#parts.settings.receiveAck();
  }

  onPing(bytes: Uint8Array, start: number, ack: boolean): void {
    const { abuse, pings, scheduler } = this.#parts;
    if (ack) {
      if (!pings.answer(bytes, start)) abuse.overheadFrame();
      return;
    }
    abuse.overheadFrame();
    scheduler.control.ping(true, bytes, start);
    scheduler.boundControl();
  }

  onGoAway(lastStreamId: number, code: ErrorCode, debugData: Uint8Array): void {
    const { abuse, lifecycle } = this.#parts;
    abuse.overheadFrame();
    if (lastStreamId > this.#peerLastStreamId) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "the last id of GOAWAY has risen");
    }
    this.#peerLastStreamId = lastStreamId;
    const goAway = { code, debugData: debugData.slice(0, MAX_DEBUG_BYTES) };
    lifecycle.peerGoAway = goAway;
    lifecycle.drain();
    this.#onGoAway?.({ lastStreamId, ...goAway });
    this.#role.disown(lastStreamId, code);
    lifecycle.endIfDrained();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    const { abuse, streams, scheduler } = this.#parts;
    abuse.overheadFrame();
    if (streamId === 0) return this.#widenConnection(increment);
    const stream = streams.table.get(streamId);
    if (!stream) {
      if (!this.#role.isIdleId(streamId)) return;
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    }
    if (increment === 0) {
      return streams.violated(stream, ErrorCode.PROTOCOL_ERROR, "an increment of 0");
    }
    if (stream.sending.window + increment > MAX_WINDOW_BYTES) {
      return streams.violated(stream, ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
    }
    stream.sending.window += increment;
    if (stream.hasContent) scheduler.addContent(stream);
  }

  onPriority(streamId: number, dependsOn: number): void {
    const { abuse, streams } = this.#parts;
    abuse.overheadFrame();
    if (dependsOn >= 0 && dependsOn !== streamId) return;
    const code = dependsOn < 0 ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR;
    const stream = streams.table.get(streamId);
    if (stream) streams.violated(stream, code, "a malformed PRIORITY");
    else if (this.#role.isIdleId(streamId)) throw new Http2Violation(code, "a malformed PRIORITY");
  }

  onUnknown(): void {
    this.#parts.abuse.overheadFrame();
  }

  #decode(bytes: Uint8Array, start: number, end: number): ReceivedBlock {
    const { limits } = this.#parts;
    if (end - start > limits.maxHeaderBlockBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header block beyond the limits");
    }
    let block: ReceivedBlock;
    try {
      block = this.#decoder.decode(bytes, start, end);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new Http2Violation(ErrorCode.COMPRESSION_ERROR, error.message);
    }
    if (block.listBytes > limits.maxHeaderListBytes * BOMB_FACTOR) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header bomb");
    }
    return block;
  }

  /** Whether the stream takes this DATA frame; if not, the stream is reset. */
  #admitsData(
    stream: Http2Stream,
    length: number,
    flowBytes: number,
    endStream: boolean,
  ): boolean {
    const wrong = (code: ErrorCode, message: string) => {
      this.#parts.streams.violated(stream, code, message);
      return false;
    };
    if (!stream.peerMaySend) return wrong(ErrorCode.STREAM_CLOSED, "DATA after END_STREAM");
    if (!stream.receiving.headersReceived) {
      return wrong(ErrorCode.PROTOCOL_ERROR, "DATA before HEADERS");
    }
    // RFC 9113 §6.9.1: the end may come where there is no window, or less than none (§6.9.2).
    if (flowBytes > 0 && flowBytes > stream.receiving.window) {
      return wrong(ErrorCode.FLOW_CONTROL_ERROR, "DATA beyond the stream's window");
    }
    if (stream.receiving.bodyLeft < 0) return true;
    stream.receiving.bodyLeft -= length;
    if (stream.receiving.bodyLeft < 0 || (endStream && stream.receiving.bodyLeft > 0)) {
      return wrong(ErrorCode.PROTOCOL_ERROR, "content-length differs from the body");
    }
    return true;
  }

  #trailers(stream: Http2Stream, block: ReceivedBlock, endStream: boolean): void {
    const { streams, limits } = this.#parts;
    const wrong = !endStream
      ? "trailers without END_STREAM"
      : stream.receiving.bodyLeft > 0
      ? "content-length differs from the body"
      : block.listBytes > limits.maxHeaderListBytes
      ? "a trailer section over the limit"
      : wrongTrailers(block);
    if (wrong) return streams.violated(stream, ErrorCode.PROTOCOL_ERROR, wrong);
    stream.receivedEnd();
    try {
      stream.receiver!.trailers(block.fields);
    } catch (error) {
      streams.receiverFailed(stream, error);
    }
    if (stream.state === "closed") streams.finish(stream, "complete");
  }

  #widenConnection(increment: number): void {
    const { scheduler } = this.#parts;
    if (increment === 0) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "an increment of 0");
    }
    if (scheduler.window + increment > MAX_WINDOW_BYTES) {
      throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
    }
    scheduler.widen(increment);
  }
}
