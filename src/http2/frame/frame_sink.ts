import type { ErrorCode } from "../error_code.ts";

/**
 * What a {@linkcode FrameReader} reports of the frames it reads, in order. Payloads are given as a
 * range of a buffer, which is only lent: what is kept beyond the call is copied.
 */
export interface FrameSink {
  /**
   * `flowBytes` is what flow control counts: the payload with its padding.
   *
   * @returns Whether a view of the range is kept: nothing writes to its buffer then.
   */
  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): boolean;
  /** A whole header block, its CONTINUATION frames joined. `dependsOn` is -1 without priority fields. */
  onHeaders(
    streamId: number,
    block: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
    dependsOn: number,
  ): void;
  /** `dependsOn` is -1 where the frame has the wrong size, which ends its stream only (RFC 9113 §6.3). */
  onPriority(streamId: number, dependsOn: number): void;
  onRstStream(streamId: number, code: ErrorCode): void;
  /** The payload of a SETTINGS frame, for `readSettings`. */
  onSettings(bytes: Uint8Array, start: number, end: number): void;
  onSettingsAck(): void;
  /** Eight octets at `start`. */
  onPing(bytes: Uint8Array, start: number, ack: boolean): void;
  onGoAway(lastStreamId: number, code: ErrorCode, debugData: Uint8Array): void;
  /** An increment of 0 is reported too: what it ends depends on the stream (RFC 9113 §6.9). */
  onWindowUpdate(streamId: number, increment: number): void;
  /** A frame of a type that nobody here knows, which is ignored (RFC 9113 §4.1). */
  onUnknown(type: number): void;
}
