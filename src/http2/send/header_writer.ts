import {
  encodeFrameHeader,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  MIN_MAX_FRAME_BYTES,
} from "../frame/frame_header.ts";
import type { HeaderList } from "../header_list.ts";
import { type HpackEncoder, maxBlockBytes } from "../hpack/mod.ts";
import type { Output } from "./output.ts";

/**
 * Octets of a frame's payload. Every peer accepts it, and a peer that accepts more would only make
 * other streams wait longer for their turn. With its header it fills one TLS record of 16 KiB (RFC 8446
 * §5.1): what is read ends with a record, and then no frame is torn, which would be copied.
 */
export const SENT_FRAME_BYTES: number = MIN_MAX_FRAME_BYTES - FRAME_HEADER_BYTES;

/**
 * Makes room for HEADERS of these fields and all their CONTINUATION frames; `false` where the buffer is too full, and
 * has to be sent first.
 */
export function reserveHeaders(output: Output, fields: HeaderList): boolean {
  const most = maxBlockBytes(fields);
  const needs = most + Math.ceil(most / SENT_FRAME_BYTES) * FRAME_HEADER_BYTES;
  if (output.room >= needs) return true;
  if (output.gathered > 0) return false;
  output.reserve(needs);
  return true;
}

/** Encodes a header section where room was reserved for it, in as many frames as it needs. */
export function writeHeaders(
  output: Output,
  encoder: HpackEncoder,
  streamId: number,
  fields: HeaderList,
  endStream: boolean,
): void {
  const out = output.bytes;
  const start = output.at + FRAME_HEADER_BYTES;
  const length = encoder.encode(fields, out, start) - start;
  const flags = endStream ? Flag.END_STREAM : Flag.NONE;
  if (length > SENT_FRAME_BYTES) {
    output.at = splitBlock(out, start, length, flags, streamId);
    return;
  }
  const whole = flags | Flag.END_HEADERS;
  encodeFrameHeader(out, output.at, length, FrameType.HEADERS, whole, streamId);
  output.at = start + length;
}

/** Spreads the block at `start` over HEADERS and CONTINUATION, and returns where they end. */
function splitBlock(
  out: Uint8Array,
  start: number,
  length: number,
  flags: number,
  streamId: number,
): number {
  const block = out.slice(start, start + length);
  let at = start - FRAME_HEADER_BYTES;
  for (let from = 0; from < length; from += SENT_FRAME_BYTES) {
    const size = Math.min(SENT_FRAME_BYTES, length - from);
    const type = from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
    const end = from + size === length ? Flag.END_HEADERS : Flag.NONE;
    at = encodeFrameHeader(out, at, size, type, (from === 0 ? flags : 0) | end, streamId);
    out.set(block.subarray(from, from + size), at);
    at += size;
  }
  return at;
}
