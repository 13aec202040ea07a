/** Octets of a frame's header, RFC 9113 §4.1. */
export const FRAME_HEADER_BYTES = 9;

/** The smallest SETTINGS_MAX_FRAME_SIZE, which holds until another is announced. */
export const MIN_MAX_FRAME_BYTES = 16_384;

/** The largest SETTINGS_MAX_FRAME_SIZE. */
export const MAX_MAX_FRAME_BYTES = 16_777_215;

/** Frame types, RFC 9113 §6. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Frame flags, RFC 9113 §6. */
export const Flag = {
  NONE: 0x0,
  END_STREAM: 0x1,
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Writes a frame header at `at` and returns where the payload begins. */
export function encodeFrameHeader(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out[at] = length >> 16;
  out[at + 1] = length >> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  return encodeUint32(out, at + 5, streamId);
}

/** Writes 32 bits at `at` and returns where they end. */
export function encodeUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

/** The 32 bits at `at`, unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (readUint31(bytes, at) | (bytes[at]! & 0x80) << 24) >>> 0;
}

/** The low 31 bits at `at`: a stream id or a window increment, whose reserved bit is ignored. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 0x7f) << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}
