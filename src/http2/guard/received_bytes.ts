/** Payloads up to this size are copied into a slab: 72 ns, against 47 for a view and 780 for a copy of its own. */
const MAX_SLAB_PAYLOAD = 1024;

const SLAB_BYTES = 4096;

/**
 * A view that keeps more than this many times its own size alive is copied. With 4, a third of a large
 * message was: what is read at once is 64 KiB and a few octets, and four frames of it are a little less.
 */
const MAX_PINNED_FACTOR = 5;

let slab = new ArrayBuffer(SLAB_BYTES);
let slabUsed = 0;

/** Whether a receiver may keep a view of so many of the octets that were received at once. */
export function mayBeKept(bytes: Uint8Array, length: number): boolean {
  return length * MAX_PINNED_FACTOR >= bytes.buffer.byteLength;
}

/** A copy of the octets at `start`…`end`: a small one of a view would keep a large chunk alive. */
export function copied(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > MAX_SLAB_PAYLOAD) return bytes.slice(start, end);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    slabUsed = 0;
  }
  const copy = new Uint8Array(slab, slabUsed, length);
  slabUsed += length;
  for (let at = 0; at < length; at++) copy[at] = bytes[start + at]!;
  return copy;
}
