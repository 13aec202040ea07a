import { ConnectionCore } from "./connection_core.ts";
import { ErrorCode } from "../error_code.ts";
import { encodeSettingsAck, MAX_WINDOW_BYTES, readSettings, Setting } from "../frame/settings.ts";
import { HpackDecoder } from "../hpack/mod.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import { initialPeerSettings, type PeerSettings } from "./peer_settings.ts";
import type { BlockNote } from "./received_block.ts";
import { INITIAL_WINDOW_BYTES } from "../send/send_scheduler.ts";
import { Http2Violation } from "../violation.ts";

/** Debug data of the peer's GOAWAY beyond this is dropped. */
const MAX_DEBUG_BYTES = 256;

/** What the frames do that carry no message: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PRIORITY. */
export abstract class ControlFrames extends ConnectionCore {
  protected readonly peer: PeerSettings = initialPeerSettings();
  protected readonly decoder: HpackDecoder<BlockNote> = new HpackDecoder(
    this.limits.maxHeaderListBytes,
  );
  /** The peer has acknowledged our SETTINGS, so that they bind it. */
  protected settingsAcknowledged = false;
  #settingsReceived = false;
  #peerLastStreamId = Infinity;

  /** Whether no stream of this id was ever opened. */
  protected abstract isIdleId(streamId: number): boolean;
  /** The peer will not process our streams above this id. */
  protected abstract disown(lastStreamId: number, code: ErrorCode): void;
  /** The peer's SETTINGS have been applied. */
  protected abstract settingsApplied(): void;
  /** The peer's SETTINGS say that we may push. */
  protected abstract pushAllowed(): void;

  onSettings(bytes: Uint8Array, start: number, end: number): void {
    this.abuse.overheadFrame();
    if (!this.#settingsReceived) {
      this.#settingsReceived = true;
      this.peer.maxConcurrentStreams = Infinity;
    }
    const windowBefore = this.peer.initialWindowBytes;
    readSettings(bytes, start, end, (id, value) => {
      // One frame has room for thousands.
      this.abuse.overheadFrame();
      this.#apply(id, value);
    });
    // RFC 9113 §6.5.3: whatever is sent after the acknowledgement obeys the new values.
    this.scheduler.control.frames(encodeSettingsAck());
    this.boundControl();
    this.#moveSendWindows(this.peer.initialWindowBytes - windowBefore);
    this.settingsApplied();
    this.scheduler.schedule();
  }

  onSettingsAck(): void {
    if (this.settingsAcknowledged) return this.abuse.overheadFrame();
    this.settingsAcknowledged = true;
    this.deadlines.clear("settings-ack");
    this.decoder.limitTable(this.limits.headerTableBytes);
    // Until now streams had the larger of both windows, because either may have been in force.
    const less = INITIAL_WINDOW_BYTES - this.limits.streamWindowBytes;
    if (less <= 0) return;
    for (const stream of this.streams.values()) stream.receiveWindow -= less;
  }

  onPing(bytes: Uint8Array, start: number, ack: boolean): void {
    if (ack) {
      if (!this.pings.answer(bytes, start)) this.abuse.overheadFrame();
      return;
    }
    this.abuse.overheadFrame();
    this.scheduler.control.ping(true, bytes, start);
    this.boundControl();
  }

  onGoAway(lastStreamId: number, code: ErrorCode, debugData: Uint8Array): void {
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

  onPriority(streamId: number, dependsOn: number): void {
    this.abuse.overheadFrame();
    if (dependsOn >= 0 && dependsOn !== streamId) return;
    const code = dependsOn < 0 ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR;
    const stream = this.streams.get(streamId);
    if (stream) this.streamError(stream, code, "a malformed PRIORITY");
    else if (this.isIdleId(streamId)) throw new Http2Violation(code, "a malformed PRIORITY");
  }

  onUnknown(): void {
    this.abuse.overheadFrame();
  }

  /** Resets a stream for what the peer did on it. */
  protected streamError(stream: Http2Stream, code: ErrorCode, message: string): void {
    this.resetStream(stream, code, new Http2Violation(code, message));
    this.boundControl();
    this.abuse.streamReset();
  }

  /** Resets a stream that is not under way. */
  protected refuse(streamId: number, code: ErrorCode): void {
    this.closedStreams.add(streamId, "reset-by-us");
    this.scheduler.control.rstStream(streamId, code);
    this.boundControl();
  }

  /** A peer that asks for answers and does not read them is cut off. */
  protected boundControl(): void {
    const { control } = this.scheduler;
    if (control.length <= this.limits.maxQueuedControlBytes) return;
    this.scheduler.flush();
    if (control.length > this.limits.maxQueuedControlBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "answers that the peer does not read");
    }
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
}
