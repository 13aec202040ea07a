import { joined } from "../../src/values/mod.ts";

/** Frames as an attacker writes them, right or wrong. */

/** Frame types, RFC 9113 §6. */
export const Type = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Frame flags, RFC 9113 §6. */
export const Flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8 } as const;

/** The settings that attacks use, RFC 9113 §6.5.2. */
export const Setting = {
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** Error codes by number, RFC 9113 §7. */
export const CODES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
] as const;

/** The octets a client begins with, RFC 9113 §3.4. */
export const PREFACE: Uint8Array = text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const NOTHING = new Uint8Array(0);

/** A frame. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = NOTHING,
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, streamId);
  bytes.set(payload, 9);
  return bytes;
}

/** SETTINGS with pairs of a setting and its value. */
export function settings(...pairs: readonly (readonly [number, number])[]): Uint8Array {
  const payload = pairs.map(([id, value]) => join(Uint8Array.of(id >> 8, id), uint32(value)));
  return frame(Type.SETTINGS, 0, 0, join(...payload));
}

/** RST_STREAM with CANCEL. */
export function cancel(streamId: number): Uint8Array {
  return frame(Type.RST_STREAM, 0, streamId, uint32(CODES.indexOf("CANCEL")));
}

/** WINDOW_UPDATE. */
export function windowUpdate(streamId: number, increment: number): Uint8Array {
  return frame(Type.WINDOW_UPDATE, 0, streamId, uint32(increment));
}

/** GOAWAY with NO_ERROR. */
export function goAway(lastStreamId: number): Uint8Array {
  return frame(Type.GOAWAY, 0, 0, join(uint32(lastStreamId), uint32(0)));
}

/** HEADERS that are complete with one frame. */
export function headers(streamId: number, block: Uint8Array, endStream: boolean): Uint8Array {
  const flags = Flag.END_HEADERS | (endStream ? Flag.END_STREAM : 0);
  return frame(Type.HEADERS, flags, streamId, block);
}

/** DATA. */
export function data(streamId: number, payload: Uint8Array, endStream: boolean): Uint8Array {
  return frame(Type.DATA, endStream ? Flag.END_STREAM : 0, streamId, payload);
}

/** Fields, names and values alternating, as literals that no table remembers (RFC 7541 §6.2.2). */
export function literals(fields: readonly string[]): Uint8Array {
  return block(fields, 0x00);
}

/** Fields as literals that the table remembers (RFC 7541 §6.2.1); the last one is entry 62 then. */
export function remembered(fields: readonly string[]): Uint8Array {
  return block(fields, 0x40);
}

/** The latest `count` entries of the table, the oldest of them first, an octet each. */
export function recalled(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => 0x80 | (62 + count - 1 - at));
}

/** The octets of a number, the highest first. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** The octets of a text. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Chunks as one. */
export function join(...chunks: readonly Uint8Array[]): Uint8Array {
  return joined(chunks);
}

/** The same octets, so many times. */
export function repeated(bytes: Uint8Array, times: number): Uint8Array {
  return join(...Array<Uint8Array>(times).fill(bytes));
}

function block(fields: readonly string[], representation: number): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    out.push(representation);
    for (const string of [fields[at] ?? "", fields[at + 1] ?? ""]) {
      const octets = Uint8Array.from(string, (char) => char.charCodeAt(0));
      integer(out, octets.length, 0x7f);
      for (const octet of octets) out.push(octet);
    }
  }
  return Uint8Array.from(out);
}

/** An integer in a prefix of so many ones (RFC 7541 §5.1). */
function integer(out: number[], value: number, ones: number): void {
  if (value < ones) return void out.push(value);
  out.push(ones);
  let rest = value - ones;
  for (; rest >= 0x80; rest >>>= 7) out.push(rest & 0x7f | 0x80);
  out.push(rest);
}
