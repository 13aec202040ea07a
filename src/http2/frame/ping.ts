import { encodeFrameHeader, Flag, FrameType } from "./frame_header.ts";

/** Octets of a PING payload, RFC 9113 §6.7. */
export const PING_BYTES = 8;

/** Writes a PING with the eight octets at `from`, and returns where it ends. */
export function encodePing(
  out: Uint8Array,
  at: number,
  ack: boolean,
  opaque: Uint8Array,
  from: number,
): number {
  const flags = ack ? Flag.ACK : Flag.NONE;
  at = encodeFrameHeader(out, at, PING_BYTES, FrameType.PING, flags, 0);
  for (let octet = 0; octet < PING_BYTES; octet++) out[at + octet] = opaque[from + octet]!;
  return at + PING_BYTES;
}
