/** Small pieces share a block: a buffer of one's own costs 1.1 µs, a view of one 0.1. */
const BLOCK_BYTES = 16 * 1024;
const SMALL_BYTES = 1024;

/** Room before {@linkcode allocateWithRoom}: the heads of an item's envelope, its message and its payload. */
const ROOM_BYTES = 16;

let block = new ArrayBuffer(BLOCK_BYTES);
let used = 0;
/** What was given with room last, where it begins, and how much room is left before it. */
let roomy: Uint8Array<ArrayBuffer> | undefined;
let roomyBlock = block;
let start = 0;
let room = 0;

/**
 * Gives bytes of undefined content to write a message into: a plain `Uint8Array`, never a `Buffer`, of which others may
 * take a `slice()`. Nothing else refers to its part of the buffer, but small ones share the buffer:
 * it must not be transferred.
 */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  if (size > SMALL_BYTES) return new Uint8Array(size);
  if (used + size > BLOCK_BYTES) renew();
  const bytes = new Uint8Array(block, used, size);
  used += size;
  return bytes;
}

/** As {@linkcode allocate}, with room before small bytes for {@linkcode withHead}. */
export function allocateWithRoom(size: number): Uint8Array<ArrayBuffer> {
  if (size > SMALL_BYTES) return new Uint8Array(size);
  if (used + ROOM_BYTES + size > BLOCK_BYTES) renew();
  start = used + ROOM_BYTES;
  room = ROOM_BYTES;
  used = start + size;
  roomyBlock = block;
  return roomy = new Uint8Array(block, start, size);
}

/**
 * The bytes with `count` before them, which are to be written, so that a message is not copied into what holds it;
 * nothing where there is no room: for any but the last of {@linkcode allocateWithRoom}, or what was made of it here.
 */
export function withHead(bytes: Uint8Array, count: number): Uint8Array<ArrayBuffer> | undefined {
  if (bytes !== roomy || count > room) return undefined;
  room -= count;
  start -= count;
  return roomy = new Uint8Array(roomyBlock, start, roomy.length + count);
}

function renew(): void {
  block = new ArrayBuffer(BLOCK_BYTES);
  used = 0;
}
