import { encodeFrameHeader, encodeUint32, Flag, FrameType } from "./frame_header.ts";

/** Octets of a WINDOW_UPDATE payload, RFC 9113 §6.9. */
export const WINDOW_UPDATE_BYTES = 4;

/** Writes a WINDOW_UPDATE and returns where it ends. */
export function encodeWindowUpdate(
  out: Uint8Array,
  at: number,
  streamId: number,
  increment: number,
): number {
  at = encodeFrameHeader(
    out,
    at,
    WINDOW_UPDATE_BYTES,
    FrameType.WINDOW_UPDATE,
    Flag.NONE,
    streamId,
  );
  return encodeUint32(out, at, increment);
}
