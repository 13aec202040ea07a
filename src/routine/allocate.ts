/** Small pieces share a block: a buffer of one's own costs 1.1 µs, a view of one 0.1. */
const BLOCK_BYTES = 16 * 1024;
const SMALL_BYTES = 1024;

let block = new ArrayBuffer(BLOCK_BYTES);
let used = 0;

/**
 * Gives bytes of undefined content to write a message into: a plain `Uint8Array`, never a `Buffer`, of which others may
 * take a `slice()`. Nothing else refers to its part of the buffer, but small ones share the buffer:
 * it must not be transferred.
 */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  if (size > SMALL_BYTES) return new Uint8Array(size);
  if (used + size > BLOCK_BYTES) {
    block = new ArrayBuffer(BLOCK_BYTES);
    used = 0;
  }
  const bytes = new Uint8Array(block, used, size);
  used += size;
  return bytes;
}
