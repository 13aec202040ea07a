import type { ByteChannel } from "../byte_channel.ts";
import type { ConnectionOptions } from "./connection.ts";
import { ControlFrames } from "./control_frames.ts";
import { ErrorCode } from "../error_code.ts";
import { FrameReader } from "../frame/frame_reader.ts";
import type { FrameSink } from "../frame/frame_sink.ts";
import { HpackError } from "../hpack/mod.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import { type ReceivedBlock, wrongTrailers } from "./received_block.ts";
import { keepableBytes } from "../guard/received_bytes.ts";
import { INITIAL_WINDOW_BYTES } from "../send/send_scheduler.ts";
import { afterReceivedEnd } from "../streams/stream_state.ts";
import { Http2Violation } from "../violation.ts";

/** A header list this many times over its limit is a bomb and no mistake. */
const BOMB_FACTOR = 16;

/** What the frames do that carry messages, DATA, HEADERS and RST_STREAM, for client and server alike. */
export abstract class MessageFrames extends ControlFrames implements FrameSink {
  readonly #reader: FrameReader;

  /** @param preface what the peer sends before its first frame. */
  constructor(channel: ByteChannel, options: ConnectionOptions, preface?: Uint8Array) {
    super(channel, options);
    this.#reader = new FrameReader(this, this.limits, preface);
  }

  /** A header section on a stream that is not under way. */
  protected abstract headersOnNoStream(
    streamId: number,
    block: ReceivedBlock,
    endStream: boolean,
    dependsOn: number,
  ): void;
  /** A header section on a stream before its final one. */
  protected abstract leadingHeaders(
    stream: Http2Stream,
    block: ReceivedBlock,
    endStream: boolean,
  ): void;
  /** RST_STREAM arrived on a stream that is under way. */
  protected abstract resetByPeer(stream: Http2Stream, code: ErrorCode): void;

  protected override read(bytes: Uint8Array): boolean {
    const reader = this.#reader;
    const before = reader.frames;
    reader.read(bytes);
    if (reader.started) this.deadlines.clear("preface");
    if (!reader.insideHeaders) this.deadlines.clear("headers");
    else if (!this.deadlines.has("headers")) {
      this.deadlines.set("headers", this.limits.headerTimeoutMs, () => {
        this.violated(ErrorCode.ENHANCE_YOUR_CALM, "a header block did not end in time");
      });
    }
    return reader.frames !== before;
  }

  protected override stopReading(): void {
    this.#reader.stop();
    this.deadlines.clear("headers");
  }

  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): void {
    const length = end - start;
    if (length > 0) this.abuse.dataPassed(length);
    else if (!endStream) this.abuse.overheadFrame();
    this.flow.take(flowBytes);
    const stream = this.streams.get(streamId);
    if (!stream) {
      this.flow.discard(flowBytes);
      return this.#contentOnNoStream(streamId);
    }
    if (!this.#admitsData(stream, length, flowBytes, endStream)) {
      this.flow.discard(flowBytes);
      return;
    }
    stream.receiveWindow -= flowBytes;
    const padding = flowBytes - length;
    if (padding > 0) {
      this.flow.discard(padding);
      this.flow.credit(stream, padding);
    }
    if (length > 0) this.flow.deliver(stream, length);
    if (endStream) stream.state = afterReceivedEnd(stream.state);
    else if (length === 0) return;
    try {
      stream.receiver!.data(keepableBytes(bytes, start, end), endStream);
    } catch (error) {
      this.receiverFailed(stream, error);
    }
    if (stream.state === "closed") this.finish(stream, "complete");
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
    const stream = this.streams.get(streamId);
    if (!stream) return this.headersOnNoStream(streamId, block, endStream, dependsOn);
    if (!stream.peerMaySend) {
      return this.streamError(stream, ErrorCode.STREAM_CLOSED, "HEADERS after END_STREAM");
    }
    if (dependsOn === streamId) {
      return this.streamError(stream, ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself");
    }
    if (!stream.headersReceived) return this.leadingHeaders(stream, block, endStream);
    this.#trailers(stream, block, endStream);
  }

  onRstStream(streamId: number, code: ErrorCode): void {
    const stream = this.streams.get(streamId);
    if (stream) return this.resetByPeer(stream, code);
    if (this.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    }
    this.abuse.overheadFrame();
  }

  /** Whether a header list is over the limit. */
  protected isOversized(block: ReceivedBlock): boolean {
    return block.listBytes > this.limits.maxHeaderListBytes;
  }

  /** Opens both windows of a new stream. */
  protected openWindows(stream: Http2Stream): void {
    const { streamWindowBytes } = this.limits;
    stream.sendWindow = this.peer.initialWindowBytes;
    stream.windowBytes = streamWindowBytes;
    stream.receiveWindow = this.settingsAcknowledged
      ? streamWindowBytes
      : Math.max(streamWindowBytes, INITIAL_WINDOW_BYTES);
  }

  #decode(bytes: Uint8Array, start: number, end: number): ReceivedBlock {
    if (end - start > this.limits.maxHeaderBlockBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header block beyond the limits");
    }
    let block: ReceivedBlock;
    try {
      block = this.decoder.decode(bytes, start, end);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new Http2Violation(ErrorCode.COMPRESSION_ERROR, error.message);
    }
    if (block.listBytes > this.limits.maxHeaderListBytes * BOMB_FACTOR) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header bomb");
    }
    return block;
  }

  /** Whether the stream takes this DATA frame; where not, the stream is reset. */
  #admitsData(
    stream: Http2Stream,
    length: number,
    flowBytes: number,
    endStream: boolean,
  ): boolean {
    if (!stream.peerMaySend) {
      this.streamError(stream, ErrorCode.STREAM_CLOSED, "DATA after END_STREAM");
      return false;
    }
    if (!stream.headersReceived) {
      this.streamError(stream, ErrorCode.PROTOCOL_ERROR, "DATA before HEADERS");
      return false;
    }
    if (flowBytes > stream.receiveWindow) {
      this.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "DATA beyond the stream's window");
      return false;
    }
    if (stream.bodyLeft < 0) return true;
    stream.bodyLeft -= length;
    if (stream.bodyLeft < 0 || (endStream && stream.bodyLeft > 0)) {
      this.streamError(stream, ErrorCode.PROTOCOL_ERROR, "content-length differs from the body");
      return false;
    }
    return true;
  }

  /** DATA on a stream that is over, RFC 9113 §5.1. */
  #contentOnNoStream(streamId: number): void {
    if (this.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
    }
    const how = this.closedStreams.how(streamId);
    if (how === "ended") {
      throw new Http2Violation(ErrorCode.STREAM_CLOSED, "DATA on a stream that has ended");
    }
    this.abuse.overheadFrame();
    // What crossed our RST_STREAM on the way is no fault.
    if (how !== "reset-by-us") this.refuse(streamId, ErrorCode.STREAM_CLOSED);
  }

  #trailers(stream: Http2Stream, block: ReceivedBlock, endStream: boolean): void {
    const wrong = !endStream
      ? "trailers without END_STREAM"
      : stream.bodyLeft > 0
      ? "content-length differs from the body"
      : this.isOversized(block)
      ? "a trailer section over the limit"
      : wrongTrailers(block);
    if (wrong) return this.streamError(stream, ErrorCode.PROTOCOL_ERROR, wrong);
    stream.state = afterReceivedEnd(stream.state);
    try {
      stream.receiver!.trailers(block.fields);
    } catch (error) {
      this.receiverFailed(stream, error);
    }
    if (stream.state === "closed") this.finish(stream, "complete");
  }
}
