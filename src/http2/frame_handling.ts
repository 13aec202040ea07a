import type { ByteChannel } from "./byte_channel.ts";
import type { ConnectionOptions } from "./connection.ts";
import { ConnectionCore } from "./connection_core.ts";
import { ErrorCode } from "./error_code.ts";
import { FrameReader } from "./frame/frame_reader.ts";
import type { FrameSink } from "./frame/frame_sink.ts";
import { encodeSettingsAck, MAX_WINDOW_BYTES, readSettings, Setting } from "./frame/settings.ts";
import { HpackDecoder, HpackError } from "./hpack/mod.ts";
import type { Http2Stream } from "./http2_stream.ts";
import { initialPeerSettings, type PeerSettings } from "./peer_settings.ts";
import { type BlockNote, type ReceivedBlock, wrongTrailers } from "./received_block.ts";
import { keepableBytes } from "./received_bytes.ts";
import { INITIAL_WINDOW_BYTES } from "./send_scheduler.ts";
import { afterReceivedEnd } from "./stream_state.ts";
import { Http2Violation } from "./violation.ts";

/** A header list this many times over its limit is a bomb and no mistake. */
const BOMB_FACTOR = 16;

/** Debug data of the peer's GOAWAY beyond this is dropped. */
const MAX_DEBUG_BYTES = 256;

/** What the frames of a peer do to the connection and its streams, for client and server alike. */
export abstract class FrameHandling extends ConnectionCore implements FrameSink {
  protected readonly peer: PeerSettings = initialPeerSettings();
  /** The peer has acknowledged our SETTINGS, so that they bind it. */
  protected settingsAcknowledged = false;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder<BlockNote>;
  #peerLastStreamId = Infinity;
  #frames = 0;
  #settingsReceived = false;

  /** @param preface what the peer sends before its first frame. */
  constructor(channel: ByteChannel, options: ConnectionOptions, preface?: Uint8Array) {
    super(channel, options);
    this.#reader = new FrameReader(this, this.limits, preface);
    this.#decoder = new HpackDecoder(this.limits.maxHeaderListBytes);
  }

  /** Whether no stream of this id was ever opened. */
  protected abstract isIdleId(streamId: number): boolean;
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
  /** The peer will not process our streams above this id. */
  protected abstract disown(lastStreamId: number, code: ErrorCode): void;
  /** The peer's SETTINGS have been applied. */
  protected abstract settingsApplied(): void;
  /** The peer's SETTINGS say that we may push. */
  protected abstract pushAllowed(): void;
  /** RST_STREAM arrived on a stream that is under way. */
  protected abstract resetByPeer(stream: Http2Stream, code: ErrorCode): void;

  protected override read(bytes: Uint8Array): boolean {
    const before = this.#frames;
    this.#reader.read(bytes);
    if (this.#reader.started) this.deadlines.clear("preface");
    if (!this.#reader.insideHeaders) this.deadlines.clear("headers");
    else if (!this.deadlines.has("headers")) {
      this.deadlines.set("headers", this.limits.headerTimeoutMs, () => {
        this.violated(ErrorCode.ENHANCE_YOUR_CALM, "a header block did not end in time");
      });
    }
    return this.#frames !== before;
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
    this.#frames++;
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
    this.#frames++;
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

  onPriority(streamId: number, dependsOn: number): void {
    this.#frames++;
    this.abuse.overheadFrame();
    if (dependsOn >= 0 && dependsOn !== streamId) return;
    const code = dependsOn < 0 ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR;
    const stream = this.streams.get(streamId);
    if (stream) this.streamError(stream, code, "a malformed PRIORITY");
    else if (this.isIdleId(streamId)) throw new Http2Violation(code, "a malformed PRIORITY");
  }

  onRstStream(streamId: number, code: ErrorCode): void {
    this.#frames++;
    const stream = this.streams.get(streamId);
    if (stream) return this.resetByPeer(stream, code);
    if (this.isIdleId(streamId)) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    }
    this.abuse.overheadFrame();
  }

  onSettings(bytes: Uint8Array, start: number, end: number): void {
    this.#frames++;
    this.abuse.overheadFrame();
    if (!this.#settingsReceived) {
      this.#settingsReceived = true;
      this.peer.maxConcurrentStreams = Infinity;
    }
    readSettings(bytes, start, end, (id, value) => {
      // One frame has room for thousands, and each may move the windows of every stream.
      this.abuse.overheadFrame();
      this.#apply(id, value);
    });
    // RFC 9113 §6.5.3: whatever is sent after the acknowledgement obeys the new values.
    this.scheduler.control.frames(encodeSettingsAck());
    this.#boundControl();
    this.settingsApplied();
  }

  onSettingsAck(): void {
    this.#frames++;
    if (this.settingsAcknowledged) return this.abuse.overheadFrame();
    this.settingsAcknowledged = true;
    this.deadlines.clear("settings-ack");
    this.#decoder.limitTable(this.limits.headerTableBytes);
    // Until now streams had the larger of both windows, because either may have been in force.
    const less = INITIAL_WINDOW_BYTES - this.limits.streamWindowBytes;
    if (less <= 0) return;
    for (const stream of this.streams.values()) stream.receiveWindow -= less;
  }

  onPing(bytes: Uint8Array, start: number, ack: boolean): void {
    this.#frames++;
    if (ack) {
      if (!this.pings.answer(bytes, start)) this.abuse.overheadFrame();
      return;
    }
    this.abuse.overheadFrame();
    this.scheduler.control.ping(true, bytes, start);
    this.#boundControl();
  }

  onGoAway(lastStreamId: number, code: ErrorCode, debugData: Uint8Array): void {
    this.#frames++;
    this.abuse.overheadFrame();
    if (lastStreamId > this.#peerLastStreamId) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "the last id of GOAWAY has risen");
    }
    this.#peerLastStreamId = lastStreamId;
    this.peerGoAway = { code, debugData: debugData.slice(0, MAX_DEBUG_BYTES) };
    this.moveTo("draining");
    this.options.onGoAway?.({ lastStreamId, ...this.peerGoAway });
    this.disown(lastStreamId, code);
    this.endIfDrained();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#frames++;
    this.abuse.overheadFrame();
    if (streamId === 0) return this.#widenConnection(increment);
    const stream = this.streams.get(streamId);
    if (!stream) {
      if (!this.isIdleId(streamId)) return;
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    }
    if (increment === 0) {
      return this.streamError(stream, ErrorCode.PROTOCOL_ERROR, "an increment of 0");
    }
    if (stream.sendWindow + increment > MAX_WINDOW_BYTES) {
      return this.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
    }
    stream.sendWindow += increment;
    if (stream.hasContent) this.scheduler.addContent(stream);
  }

  onUnknown(): void {
    this.#frames++;
    this.abuse.overheadFrame();
  }

  /** Resets a stream for what the peer did on it. */
  protected streamError(stream: Http2Stream, code: ErrorCode, message: string): void {
    this.resetStream(stream, code, new Http2Violation(code, message));
    this.#boundControl();
    this.abuse.streamReset();
  }

  /** Resets a stream that is not under way. */
  protected refuse(streamId: number, code: ErrorCode): void {
    this.closedStreams.add(streamId, "reset-by-us");
    this.scheduler.control.rstStream(streamId, code);
    this.#boundControl();
    this.abuse.streamReset();
  }

  /** Whether a header list is over the limit; throws where it is a bomb. */
  protected isOversized(block: ReceivedBlock): boolean {
    return block.listBytes > this.limits.maxHeaderListBytes;
  }

  /** The receive window of a new stream. */
  protected get initialReceiveWindow(): number {
    const { streamWindowBytes } = this.limits;
    return this.settingsAcknowledged
      ? streamWindowBytes
      : Math.max(streamWindowBytes, INITIAL_WINDOW_BYTES);
  }

  #decode(bytes: Uint8Array, start: number, end: number): ReceivedBlock {
    if (end - start > this.limits.maxHeaderBlockBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "a header block beyond the limits");
    }
    let block: ReceivedBlock;
    try {
      block = this.#decoder.decode(bytes, start, end);
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

  #apply(id: number, value: number): void {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.scheduler.encoder.allowTable(value);
        break;
      case Setting.ENABLE_PUSH:
        if (value === 1) this.pushAllowed();
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.peer.maxConcurrentStreams = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        this.#moveSendWindows(value - this.peer.initialWindowBytes);
        this.peer.initialWindowBytes = value;
        break;
      case Setting.MAX_HEADER_LIST_SIZE:
        this.peer.maxHeaderListBytes = value;
        break;
    }
  }

  /** RFC 9113 §6.9.2: every stream's window moves by the difference, below 0 too. */
  #moveSendWindows(difference: number): void {
    // A copy: what can be sent now may be sent at once, and complete its stream.
    for (const stream of [...this.streams.values()]) {
      stream.sendWindow += difference;
      if (stream.sendWindow > MAX_WINDOW_BYTES) {
        throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
      }
      if (difference > 0 && stream.hasContent) this.scheduler.addContent(stream);
    }
  }

  #widenConnection(increment: number): void {
    if (increment === 0) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "an increment of 0");
    }
    if (this.scheduler.window + increment > MAX_WINDOW_BYTES) {
      throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
    }
    this.scheduler.widen(increment);
  }

  /** A peer that asks for answers and does not read them is cut off. */
  #boundControl(): void {
    const { control } = this.scheduler;
    if (control.length <= this.limits.maxQueuedControlBytes) return;
    this.scheduler.flush();
    if (control.length > this.limits.maxQueuedControlBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "answers that the peer does not read");
    }
  }
}
