import { ErrorCode } from "../error_code.ts";
import { Http2Violation } from "../violation.ts";
import {
  encodeFrameHeader,
  encodeUint32,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  MAX_MAX_FRAME_BYTES,
  MIN_MAX_FRAME_BYTES,
  readUint32,
} from "./frame_header.ts";

/** Settings, RFC 9113 §6.5.2. */
export const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** The largest flow-control window, RFC 9113 §6.9.1. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;

const SETTING_BYTES = 6;

/** A SETTINGS frame of these identifiers and values. */
export function encodeSettings(settings: readonly (readonly [number, number])[]): Uint8Array {
  const length = settings.length * SETTING_BYTES;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + length);
  let at = encodeFrameHeader(frame, 0, length, FrameType.SETTINGS, Flag.NONE, 0);
  for (const [id, value] of settings) {
    frame[at] = id >> 8;
    frame[at + 1] = id;
    at = encodeUint32(frame, at + 2, value);
  }
  return frame;
}

/** The acknowledgement of a SETTINGS frame. */
export function encodeSettingsAck(): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES);
  encodeFrameHeader(frame, 0, 0, FrameType.SETTINGS, Flag.ACK, 0);
  return frame;
}

/**
 * Reports each setting of a SETTINGS payload in order, after its value was checked; unknown ones too.
 *
 * @throws {Http2Violation} for a payload of the wrong size or a value out of range.
 */
export function readSettings(
  bytes: Uint8Array,
  start: number,
  end: number,
  apply: (id: number, value: number) => void,
): void {
  if ((end - start) % SETTING_BYTES !== 0) {
    throw new Http2Violation(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS not a multiple of 6 octets");
  }
  for (let at = start; at < end; at += SETTING_BYTES) {
    const id = bytes[at]! << 8 | bytes[at + 1]!;
    const value = readUint32(bytes, at + 2);
    checkSetting(id, value);
    apply(id, value);
  }
}

function checkSetting(id: number, value: number): void {
  if (id === Setting.ENABLE_PUSH && value > 1) {
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1");
  }
  if (id === Setting.INITIAL_WINDOW_SIZE && value > MAX_WINDOW_BYTES) {
    throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE above 2^31-1");
  }
  if (
    id === Setting.MAX_FRAME_SIZE && (value < MIN_MAX_FRAME_BYTES || value > MAX_MAX_FRAME_BYTES)
  ) {
    throw new Http2Violation(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE out of range");
  }
}
