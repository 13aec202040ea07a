import type { ErrorCode } from "../error_code.ts";
import { encodeFrameHeader, encodeUint32, Flag, FrameType } from "./frame_header.ts";

/** Octets of a RST_STREAM payload, RFC 9113 §6.4. */
export const RST_STREAM_BYTES = 4;

/** Writes a RST_STREAM and returns where it ends. */
export function encodeRstStream(
  out: Uint8Array,
  at: number,
  streamId: number,
  code: ErrorCode,
): number {
  at = encodeFrameHeader(out, at, RST_STREAM_BYTES, FrameType.RST_STREAM, Flag.NONE, streamId);
  return encodeUint32(out, at, code);
}
