import { ErrorCode } from "../error_code.ts";
import { Http2Violation } from "../violation.ts";
import { Flag, FRAME_HEADER_BYTES, FrameType, readUint31, readUint32 } from "./frame_header.ts";
import type { FrameSink } from "./frame_sink.ts";
import { GO_AWAY_BYTES } from "./go_away.ts";
import { HeaderBlock, type HeaderBlockLimits } from "./header_block.ts";
import { readPadding } from "./padding.ts";
import { PING_BYTES } from "./ping.ts";
import { RST_STREAM_BYTES } from "./rst_stream.ts";
import { WINDOW_UPDATE_BYTES } from "./window_update.ts";
import { freeBuffer, NO_BYTES } from "../../values/mod.ts";

/** What a {@linkcode FrameReader} bounds. */
export interface FrameReaderLimits extends HeaderBlockLimits {
  readonly maxFrameBytes: number;
}

const PRIORITY_BYTES = 5;

/** A torn frame's buffer starts with at most this much, whatever length the frame announces. */
const FIRST_TORN_BYTES = FRAME_HEADER_BYTES + 16_384;

/**
 * Cuts the bytes of a peer into frames, wherever they are torn, and checks all that can be checked
 * without knowing any stream. Holds at most one frame and one header block.
 */
export class FrameReader {
  /** How many frames were reported. */
  frames = 0;
  /** Where the reading of the last chunk ended. */
  readTo = 0;
  readonly #sink: FrameSink;
  readonly #limits: FrameReaderLimits;
  /** What must come before the first frame, and how much of it has come. */
  readonly #preface: Uint8Array;
  #prefaceRead = 0;
  #settingsSeen = false;
  #block: HeaderBlock | undefined;
  #torn: Uint8Array = NO_BYTES;
  #tornLength = 0;
  /** Octets of the torn frame with its header; that of the header alone until it is whole. */
  #tornNeeds = FRAME_HEADER_BYTES;
  #stopped = false;
  /** Whether the sink has kept a view of what is being read. */
  #kept = false;

  /** @param preface what the peer has to send before its first frame; empty for a server's. */
  constructor(sink: FrameSink, limits: FrameReaderLimits, preface: Uint8Array = NO_BYTES) {
    this.#sink = sink;
    this.#limits = limits;
    this.#preface = preface;
  }

  /** Whether a header block, or a frame that begins one, has begun and not ended. */
  get insideHeaders(): boolean {
    if (this.#block) return true;
    return this.#tornLength > 3 && this.#torn[3] === FrameType.HEADERS;
  }

  /** Whether the peer's preface and first SETTINGS have arrived. */
  get started(): boolean {
    return this.#settingsSeen;
  }

  /** Nothing is reported any more, not even the rest of the chunk being read. */
  stop(): void {
    this.#stopped = true;
    this.#block = undefined;
    this.#torn = NO_BYTES;
    this.#tornLength = 0;
  }

  /**
   * Reads a chunk and reports to the sink each frame that is complete with it. It may be read in parts: then it is
   * given again, from where `readTo` says, before any other.
   *
   * @param from where the part begins. Default: the beginning.
   * @param frames how many frames a part has at least. Default: no end.
   * @param to how far it goes at least. Default: the beginning.
   * @returns Whether the sink has kept a view of what was read.
   * @throws {Http2Violation} which ends the connection.
   */
  read(chunk: Uint8Array, from = 0, frames = Infinity, to = 0): boolean {
    this.#kept = false;
    this.readTo = chunk.length;
    let at = from;
    if (this.#prefaceRead < this.#preface.length) at = this.#readPreface(chunk);
    if (this.#tornLength > 0) at = this.#assemble(chunk, at);
    const enough = this.frames + frames;
    while (chunk.length - at >= FRAME_HEADER_BYTES && !this.#stopped) {
      if (this.frames >= enough && at >= to) {
        this.readTo = at;
        return this.#kept;
      }
      const needs = this.#frameBytes(chunk, at);
      if (chunk.length - at < needs) break;
      this.#readFrame(chunk, at, at + needs);
      at += needs;
    }
    if (at < chunk.length && !this.#stopped) this.#tear(chunk, at);
    return this.#kept;
  }

  #readPreface(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && this.#prefaceRead < this.#preface.length) {
      if (chunk[at++] !== this.#preface[this.#prefaceRead++]) {
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "not the HTTP/2 preface");
      }
    }
    return at;
  }

  /** Keeps the beginning of a frame. */
  #tear(chunk: Uint8Array, at: number): void {
    this.#tornNeeds = FRAME_HEADER_BYTES;
    this.#torn = new Uint8Array(FRAME_HEADER_BYTES);
    this.#assemble(chunk, at);
  }

  /** Adds to the incomplete frame, reports it once it is complete, and returns where the next one begins. */
  #assemble(chunk: Uint8Array, at: number): number {
    while (!this.#stopped) {
      const taken = Math.min(this.#tornNeeds - this.#tornLength, chunk.length - at);
      this.#room(this.#tornLength + taken);
      this.#torn.set(chunk.subarray(at, at + taken), this.#tornLength);
      this.#tornLength += taken;
      at += taken;
      if (this.#tornLength < this.#tornNeeds) return at;
      if (this.#tornNeeds === FRAME_HEADER_BYTES) {
        this.#tornNeeds = this.#frameBytes(this.#torn, 0);
        if (this.#tornNeeds > FRAME_HEADER_BYTES) continue;
      }
      const frame = this.#torn;
      this.#torn = NO_BYTES;
      this.#tornLength = 0;
      const keptOfChunk = this.#kept;
      this.#kept = false;
      this.#readFrame(frame, 0, this.#tornNeeds);
      if (!this.#kept) freeBuffer(frame);
      this.#kept = keptOfChunk;
      return at;
    }
    return at;
  }

  #room(bytes: number): void {
    if (bytes <= this.#torn.length) return;
    const least = Math.min(this.#tornNeeds, FIRST_TORN_BYTES);
    const most = Math.min(this.#tornNeeds, this.#torn.length * 2);
    const grown = new Uint8Array(Math.max(bytes, least, most));
    grown.set(this.#torn.subarray(0, this.#tornLength));
    this.#torn = grown;
  }

  /** The octets of the frame whose header is at `at`, after the header was checked. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    if (length > this.#limits.maxFrameBytes) {
      throw new Http2Violation(ErrorCode.FRAME_SIZE_ERROR, "a frame above MAX_FRAME_SIZE");
    }
    if (!this.#settingsSeen) {
      if (type !== FrameType.SETTINGS || (bytes[at + 4]! & Flag.ACK) !== 0) {
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
      }
    }
    if (this.#block) {
      if (
        type !== FrameType.CONTINUATION || readUint31(bytes, at + 5) !== this.#block.streamId
      ) {
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a header block was interrupted");
      }
    } else if (type === FrameType.CONTINUATION) {
      throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS");
    }
    return FRAME_HEADER_BYTES + length;
  }

  #readFrame(bytes: Uint8Array, at: number, end: number): void {
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId = readUint31(bytes, at + 5);
    const start = at + FRAME_HEADER_BYTES;
    this.frames++;
    switch (type) {
      case FrameType.DATA:
        return this.#readData(bytes, start, end, flags, streamId);
      case FrameType.HEADERS:
        return this.#readHeaders(bytes, start, end, flags, streamId);
      case FrameType.PRIORITY:
        return this.#readPriority(bytes, start, end, streamId);
      case FrameType.RST_STREAM:
        onAStream(streamId);
        ofSize(end - start, RST_STREAM_BYTES);
        return this.#sink.onRstStream(streamId, readUint32(bytes, start));
      case FrameType.SETTINGS:
        return this.#readSettings(bytes, start, end, flags, streamId);
      case FrameType.PUSH_PROMISE:
        // A client disables push, and a server never gets one (RFC 9113 §8.4).
        throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE");
      case FrameType.PING:
        onTheConnection(streamId);
        ofSize(end - start, PING_BYTES);
        return this.#sink.onPing(bytes, start, (flags & Flag.ACK) !== 0);
      case FrameType.GOAWAY:
        return this.#readGoAway(bytes, start, end, streamId);
      case FrameType.WINDOW_UPDATE:
        ofSize(end - start, WINDOW_UPDATE_BYTES);
        return this.#sink.onWindowUpdate(streamId, readUint31(bytes, start));
      case FrameType.CONTINUATION:
        this.#block!.append(bytes, start, end);
        if ((flags & Flag.END_HEADERS) !== 0) this.#endBlock();
        return;
      default:
        return this.#sink.onUnknown(type);
    }
  }

  #readData(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    streamId: number,
  ): void {
    onAStream(streamId);
    const flowBytes = end - start;
    if ((flags & Flag.PADDED) !== 0) {
      end -= readPadding(bytes, start, end, 0);
      start++;
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if (this.#sink.onData(streamId, bytes, start, end, flowBytes, endStream)) this.#kept = true;
  }

  #readHeaders(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    streamId: number,
  ): void {
    onAStream(streamId);
    const priorityBytes = (flags & Flag.PRIORITY) !== 0 ? PRIORITY_BYTES : 0;
    if ((flags & Flag.PADDED) !== 0) {
      end -= readPadding(bytes, start, end, priorityBytes);
      start++;
    }
    if (end - start < priorityBytes) {
      throw new Http2Violation(ErrorCode.FRAME_SIZE_ERROR, "HEADERS without its priority fields");
    }
    const dependsOn = priorityBytes > 0 ? readUint31(bytes, start) : -1;
    start += priorityBytes;
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      return this.#sink.onHeaders(streamId, bytes, start, end, endStream, dependsOn);
    }
    this.#block = new HeaderBlock(this.#limits, streamId, endStream, dependsOn);
    this.#block.append(bytes, start, end);
  }

  #endBlock(): void {
    const { streamId, bytes, endStream, dependsOn } = this.#block!;
    this.#block = undefined;
    this.#sink.onHeaders(streamId, bytes, 0, bytes.length, endStream, dependsOn);
  }

  #readPriority(bytes: Uint8Array, start: number, end: number, streamId: number): void {
    onAStream(streamId);
    const whole = end - start === PRIORITY_BYTES;
    this.#sink.onPriority(streamId, whole ? readUint31(bytes, start) : -1);
  }

  #readSettings(
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    streamId: number,
  ): void {
    onTheConnection(streamId);
    if ((flags & Flag.ACK) !== 0) {
      ofSize(end - start, 0);
      return this.#sink.onSettingsAck();
    }
    this.#settingsSeen = true;
    this.#sink.onSettings(bytes, start, end);
  }

  #readGoAway(bytes: Uint8Array, start: number, end: number, streamId: number): void {
    onTheConnection(streamId);
    if (end - start < GO_AWAY_BYTES) ofSize(end - start, GO_AWAY_BYTES);
    this.#sink.onGoAway(
      readUint31(bytes, start),
      readUint32(bytes, start + 4),
      bytes.subarray(start + GO_AWAY_BYTES, end),
    );
  }
}

function onAStream(streamId: number): void {
  if (streamId === 0) {
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a frame that needs a stream has none");
  }
}

function onTheConnection(streamId: number): void {
  if (streamId !== 0) {
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a connection's frame names a stream");
  }
}

function ofSize(found: number, expected: number): void {
  if (found !== expected) {
    throw new Http2Violation(
      ErrorCode.FRAME_SIZE_ERROR,
      `a frame of ${found} octets, ${expected} expected`,
    );
  }
}
