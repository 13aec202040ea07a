import type { AbuseBudgets } from "../guard/abuse_budgets.ts";
import type { Deadlines } from "../deadlines.ts";
import { ErrorCode } from "../error_code.ts";
import { encodeSettingsAck, MAX_WINDOW_BYTES, readSettings, Setting } from "../frame/settings.ts";
import type { HpackDecoder } from "../hpack/mod.ts";
import type { Http2Limits } from "../limits.ts";
import { INITIAL_WINDOW_BYTES, type SendScheduler } from "../send/send_scheduler.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import type { Streams } from "../streams/streams.ts";
import { Http2Violation } from "../violation.ts";
import type { BlockNote } from "./received_block.ts";

/** What a client takes for the server's limit until its SETTINGS arrive: most allow at least this. */
const ASSUMED_CONCURRENT_STREAMS = 100;

/** What {@linkcode Settings} work with. */
export interface SettingsParts {
  readonly limits: Http2Limits;
  readonly scheduler: SendScheduler;
  readonly streams: Streams;
  readonly abuse: AbuseBudgets;
  readonly deadlines: Deadlines;
  readonly decoder: HpackDecoder<BlockNote>;
  /** Whether the peer may send SETTINGS_ENABLE_PUSH = 1. */
  readonly peerMayEnablePush: boolean;
}

/** Both ends' SETTINGS (RFC 9113 §6.5): what the peer's say, and whether ours bind the peer yet. */
export class Settings {
  /**
   * What the peer's say, as far as it is kept: its table size goes to the encoder, and its MAX_FRAME_SIZE is never
   * made use of.
   */
  readonly peer = {
    maxConcurrentStreams: ASSUMED_CONCURRENT_STREAMS,
    initialWindowBytes: INITIAL_WINDOW_BYTES,
    maxHeaderListBytes: Infinity,
  };
  /** Whether the peer has acknowledged ours. */
  acknowledged = false;
  readonly #parts: SettingsParts;
  #received = false;

  /** Whether the peer's have arrived. */
  get received(): boolean {
    return this.#received;
  }

  constructor(parts: SettingsParts) {
    this.#parts = parts;
  }

  /**
   * Applies the peer's SETTINGS and acknowledges them.
   *
   * @throws {Http2Violation} for values that RFC 9113 §6.5.2 forbids.
   */
  receive(bytes: Uint8Array, start: number, end: number): void {
    const { scheduler, abuse } = this.#parts;
    if (!this.#received) {
      this.#received = true;
      this.peer.maxConcurrentStreams = Infinity;
    }
    const windowBefore = this.peer.initialWindowBytes;
    readSettings(bytes, start, end, (id, value) => {
      // One frame has room for thousands.
      abuse.overheadFrame();
      this.#apply(id, value);
    });
    // RFC 9113 §6.5.3: whatever is sent after the acknowledgement obeys the new values.
    scheduler.control.frames(encodeSettingsAck());
    scheduler.boundControl();
    this.#moveSendWindows(this.peer.initialWindowBytes - windowBefore);
  }

  /** The peer's acknowledgement of ours arrived. */
  receiveAck(): void {
    const { limits, deadlines, decoder, streams, abuse } = this.#parts;
    if (this.acknowledged) return abuse.overheadFrame();
    this.acknowledged = true;
    deadlines.clear("settings-ack");
    decoder.limitTable(limits.headerTableBytes);
    // Until now streams had the larger of both windows, because either may have been in force.
    const less = INITIAL_WINDOW_BYTES - limits.streamWindowBytes;
    if (less <= 0) return;
    for (const stream of streams.table.values()) stream.receiving.window -= less;
  }

  /** Opens both windows of a new stream. */
  openWindows(stream: Http2Stream): void {
    const { streamWindowBytes } = this.#parts.limits;
    stream.sending.window = this.peer.initialWindowBytes;
    stream.receiving.windowBytes = streamWindowBytes;
    stream.receiving.window = this.acknowledged
      ? streamWindowBytes
      : Math.max(streamWindowBytes, INITIAL_WINDOW_BYTES);
  }

  #apply(id: number, value: number): void {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.#parts.scheduler.encoder.allowTable(value);
        break;
      case Setting.ENABLE_PUSH:
        if (value === 1 && !this.#parts.peerMayEnablePush) {
          throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "a server that lets a client push");
        }
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.peer.maxConcurrentStreams = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        this.peer.initialWindowBytes = value;
        break;
      case Setting.MAX_HEADER_LIST_SIZE:
        this.peer.maxHeaderListBytes = value;
        break;
    }
  }

  /** RFC 9113 §6.9.2: every stream's window moves by the difference, below 0 too. */
  #moveSendWindows(difference: number): void {
    if (difference === 0) return;
    const { streams, scheduler } = this.#parts;
    // A copy: what can be sent now may be sent at once, and complete its stream.
    for (const stream of [...streams.table.values()]) {
      stream.sending.window += difference;
      if (stream.sending.window > MAX_WINDOW_BYTES) {
        throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31-1");
      }
      if (difference > 0 && stream.hasContent) scheduler.addContent(stream);
    }
  }
}
