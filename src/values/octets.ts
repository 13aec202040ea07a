import { giveBack, isOfLargeBuffer } from "./large_buffers.ts";

/** No octets; one for all. */
export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Pieces as one, in their order. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/** From here on freeing a buffer costs less than its collection: 0.3 µs, and 3 for 64 KiB that are collected. */
const LEAST_FREED_BYTES = 4096;

/**
 * Frees the buffer of bytes that no code reads any more, at once instead of with a collection, and leaves them
 * empty. Nothing is done where they are a part of it: others may be in use.
 */
export function freeBuffer(bytes: Uint8Array): void {
  if (bytes.byteLength < LEAST_FREED_BYTES) return;
  if (bytes.byteLength === bytes.buffer.byteLength) freeGivenAway(bytes);
}

/**
 * As {@linkcode freeBuffer}, of bytes whose whole buffer no code reads any more. The memory of a `largeBuffer()` is kept
 * for the next.
 */
export function freeGivenAway(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength < LEAST_FREED_BYTES || !(buffer instanceof ArrayBuffer)) return;
  if (isOfLargeBuffer(bytes)) giveBack(buffer);
  else buffer.transfer(0);
}
