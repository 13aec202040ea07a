import type { ByteChannel } from "../../../src/http2/byte_channel.ts";
import {
  encodeFrameHeader,
  encodeUint32,
  Flag,
  FrameType,
  readUint31,
  readUint32,
} from "../../../src/http2/frame/frame_header.ts";
import { CLIENT_PREFACE } from "../../../src/http2/frame/preface.ts";
import { encodeSettings, encodeSettingsAck } from "../../../src/http2/frame/settings.ts";
import type { HeaderList } from "../../../src/http2/header_list.ts";
import { HpackDecoder, HpackEncoder, maxBlockBytes } from "../../../src/http2/hpack/mod.ts";
import type { Stream, StreamEnd, StreamReceiver } from "../../../src/http2/streams/stream.ts";
import { joined } from "../../../src/values/mod.ts";
import { ManualClock } from "../manual_clock.ts";

/** A request that every server here takes. */
export const REQUEST: HeaderList = [
  ":method",
  "POST",
  ":scheme",
  "https",
  ":authority",
  "worker.test",
  ":path",
  "/echo",
  "content-type",
  "application/proto",
];

/** A response that every client here takes. */
export const RESPONSE: HeaderList = [":status", "200", "content-type", "application/proto"];

/** The octets of a text. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Chunks as one. */
export const joinBytes = joined;

export { memoryChannelPair, settle } from "./watched_pair.ts";

/** A receiver that keeps all it receives, and releases at once where it knows its stream. */
export class CollectedStream implements StreamReceiver {
  fields: HeaderList | undefined;
  trailerFields: HeaderList | undefined;
  readonly chunks: Uint8Array[] = [];
  stream: Stream | undefined;
  endStream = false;
  writableCalls = 0;
  end: StreamEnd | undefined;
  readonly ended: Promise<StreamEnd>;
  #resolve!: (end: StreamEnd) => void;

  constructor() {
    this.ended = new Promise((resolve) => this.#resolve = resolve);
  }

  get bytes(): Uint8Array {
    return joinBytes(this.chunks);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  headers(fields: HeaderList, endStream: boolean): void {
    this.fields = fields;
    this.endStream = endStream;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.chunks.push(bytes);
    this.endStream = endStream;
    this.stream?.release(bytes.length);
  }

  trailers(fields: HeaderList): void {
    this.trailerFields = fields;
    this.endStream = true;
  }

  writable(): void {
    this.writableCalls++;
  }

  closed(end: StreamEnd): void {
    this.end = end;
    this.#resolve(end);
  }
}

/** A frame as it went over the wire. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

/** The octets of a frame, right or wrong. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  bytes.set(payload, encodeFrameHeader(bytes, 0, payload.length, type, flags, streamId));
  return bytes;
}

/** Four octets. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  encodeUint32(bytes, 0, value);
  return bytes;
}

/** A peer that speaks raw frames over a channel, and sees those of the other side. */
export class RawPeer {
  readonly frames: RawFrame[] = [];
  isClosed = false;
  isEnded = false;
  readonly encoder = new HpackEncoder(4096);
  readonly decoder = new HpackDecoder(65_536);
  readonly #channel: ByteChannel;
  #unparsed: Uint8Array = new Uint8Array(0);
  #preface: number;
  #waiting: (() => void)[] = [];

  /** @param prefaceBytes what the other side sends before its first frame. */
  constructor(channel: ByteChannel, prefaceBytes = 0) {
    this.#channel = channel;
    this.#preface = prefaceBytes;
    channel.start({
      received: (bytes) => this.#received(bytes),
      ended: () => {
        this.isEnded = true;
        this.#wake();
      },
      closed: () => {
        this.isClosed = true;
        this.#wake();
      },
    });
  }

  /** A client that has sent its preface and acknowledged the server's SETTINGS. */
  static client(
    channel: ByteChannel,
    settings: readonly (readonly [number, number])[] = [],
  ): RawPeer {
    const peer = new RawPeer(channel);
    peer.send(CLIENT_PREFACE, encodeSettings(settings), encodeSettingsAck());
    return peer;
  }

  /** A server that has sent its SETTINGS and acknowledged the client's. */
  static server(
    channel: ByteChannel,
    settings: readonly (readonly [number, number])[] = [],
  ): RawPeer {
    const peer = new RawPeer(channel, CLIENT_PREFACE.length);
    peer.send(encodeSettings(settings), encodeSettingsAck());
    return peer;
  }

  send(...frames: readonly Uint8Array[]): void {
    this.#channel.write(joinBytes(frames), () => {});
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  end(): void {
    this.#channel.end();
  }

  destroy(): void {
    this.#channel.destroy();
  }

  /** A header block, which changes the table of this peer and so must be sent. */
  block(fields: HeaderList): Uint8Array {
    const out = new Uint8Array(maxBlockBytes(fields));
    return out.slice(0, this.encoder.encode(fields, out, 0));
  }

  /** Sends HEADERS with END_HEADERS. */
  headers(streamId: number, fields: HeaderList, endStream: boolean): void {
    const flags = Flag.END_HEADERS | (endStream ? Flag.END_STREAM : 0);
    this.send(frame(FrameType.HEADERS, flags, streamId, this.block(fields)));
  }

  data(streamId: number, bytes: Uint8Array, endStream: boolean): void {
    this.send(frame(FrameType.DATA, endStream ? Flag.END_STREAM : 0, streamId, bytes));
  }

  /** The first frame that matches, now or later; fails where the channel closes first. */
  async expect(
    type: number,
    matches: (frame: RawFrame) => boolean = () => true,
  ): Promise<RawFrame> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && matches(frame));
      if (found) return found;
      if (this.isClosed) throw new Error(`the channel closed before a frame of type ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The code of the GOAWAY that ends the connection. */
  async goAwayCode(): Promise<number> {
    const { payload } = await this.expect(FrameType.GOAWAY);
    return readUint32(payload, 4);
  }

  /** The code of the RST_STREAM that ends a stream. */
  async resetCode(streamId: number): Promise<number> {
    const { payload } = await this.expect(
      FrameType.RST_STREAM,
      (frame) => frame.streamId === streamId,
    );
    return readUint32(payload, 0);
  }

  /** Waits until the other side has read everything sent so far. */
  async synced(): Promise<void> {
    const opaque = crypto.getRandomValues(new Uint8Array(8));
    this.send(frame(FrameType.PING, 0, 0, opaque));
    const same = (frame: RawFrame) => frame.payload.every((octet, at) => octet === opaque[at]);
    await this.expect(FrameType.PING, (frame) => frame.flags === Flag.ACK && same(frame));
  }

  /** The frames of a type on a stream. */
  on(streamId: number, type: number): RawFrame[] {
    return this.frames.filter((frame) => frame.streamId === streamId && frame.type === type);
  }

  /** Credit given on a stream, or on the connection. */
  credit(streamId: number): number {
    return this.on(streamId, FrameType.WINDOW_UPDATE)
      .reduce((sum, { payload }) => sum + readUint31(payload, 0), 0);
  }

  /** Octets of DATA received on a stream. */
  dataBytes(streamId: number): number {
    return this.on(streamId, FrameType.DATA).reduce((sum, { payload }) => sum + payload.length, 0);
  }

  #received(bytes: Uint8Array): void {
    this.#unparsed = joinBytes([this.#unparsed, bytes]);
    const skipped = Math.min(this.#preface, this.#unparsed.length);
    this.#preface -= skipped;
    let at = skipped;
    while (this.#unparsed.length - at >= 9) {
      const header = this.#unparsed.subarray(at, at + 9);
      const length = header[0]! << 16 | header[1]! << 8 | header[2]!;
      if (this.#unparsed.length - at - 9 < length) break;
      this.frames.push({
        type: header[3]!,
        flags: header[4]!,
        streamId: readUint31(header, 5),
        payload: this.#unparsed.slice(at + 9, at + 9 + length),
      });
      at += 9 + length;
    }
    this.#unparsed = this.#unparsed.slice(at);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A clock that moves when the test says so. */
export class ManualTime {
  readonly #time = new ManualClock(0);

  readonly clock = (): number => this.#time.now();

  readonly schedule = (callback: () => void, delayMs: number): () => void => {
    const timer = this.#time.schedule(callback, delayMs);
    return () => timer[Symbol.dispose]();
  };

  /** How many timers are armed. */
  get armed(): number {
    return this.#time.pending;
  }

  /** Moves on and lets every timer fire at its time. */
  advance(ms: number): void {
    this.#time.advance(ms);
  }
}
