import { freeGivenAway, isOfLargeBuffer, largeBuffer } from "../values/mod.ts";

/**
 * Room before a large payload for the rest of the message that will hold it, which for a call is its routine, ids and
 * tags: the message is then the payload's own bytes and a few before them, and the payload is not copied again. An item
 * of 64 KiB was copied three times before it was handed to HTTP/2, and is now copied once; see
 * `docs/performance-changes.md`.
 */
const HEADROOM_BYTES = 256;

/** From here on a payload gets headroom: smaller ones share blocks, which others' bytes would precede. */
const LARGE_BYTES = 1024;

/**
 * Gives bytes of any content for a large payload, with room before them that nobody else uses; nothing where the payload
 * is small.
 */
export function allocateLarge(size: number): Uint8Array<ArrayBuffer> | undefined {
  if (size <= LARGE_BYTES) return undefined;
  const whole = HEADROOM_BYTES + size;
  return new Uint8Array(largeBuffer(whole) ?? new ArrayBuffer(whole), HEADROOM_BYTES, size);
}

/**
 * The bytes with `count` before them, which are to be written; nothing where there is no room, as for any but what
 * {@linkcode allocateLarge} gave, whole.
 */
export function withRoomBefore(bytes: Uint8Array, count: number): Uint8Array | undefined {
  if (count > HEADROOM_BYTES || !hasHeadroom(bytes)) return undefined;
  const { buffer, byteOffset, byteLength } = bytes;
  return new Uint8Array(buffer, byteOffset - count, byteLength + count);
}

/**
 * Frees what {@linkcode allocateLarge} gave, which no code reads any more, unless `message` is made of it; leaves other
 * bytes as they are.
 */
export function freeLarge(bytes: Uint8Array, message: Uint8Array): void {
  if (hasHeadroom(bytes) && bytes.buffer !== message.buffer) freeGivenAway(bytes);
}

/** Small bytes are not asked for their buffer, which would take as long as making a view. */
function hasHeadroom(bytes: Uint8Array): boolean {
  const { byteLength } = bytes;
  return byteLength > LARGE_BYTES && bytes.byteOffset === HEADROOM_BYTES &&
    (bytes.buffer.byteLength === HEADROOM_BYTES + byteLength || isOfLargeBuffer(bytes));
}
