import type { ErrorCode } from "../error_code.ts";
import {
  encodeFrameHeader,
  encodeUint32,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
} from "./frame_header.ts";

/** Octets of a GOAWAY payload before its debug data. */
export const GO_AWAY_BYTES = 8;

/** A GOAWAY frame, RFC 9113 §6.8. */
export function encodeGoAway(
  lastStreamId: number,
  code: ErrorCode,
  debugData: Uint8Array,
): Uint8Array {
  const length = GO_AWAY_BYTES + debugData.length;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + length);
  let at = encodeFrameHeader(frame, 0, length, FrameType.GOAWAY, Flag.NONE, 0);
  at = encodeUint32(frame, at, lastStreamId);
  at = encodeUint32(frame, at, code);
  frame.set(debugData, at);
  return frame;
}
