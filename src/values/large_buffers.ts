/**
 * Fast path: the buffers that large messages are written into are used again. A new one of 1 MiB costs the system 256
 * page faults where the allocator has given the last one back, and as many writes of zeros: without it 1 MiB as a result
 * takes 1.12 to 1.3 times as long, 4 MiB 1.2 to 1.4 times. See `docs/performance-changes.md`. The plain path is a
 * buffer of its own for each message, as smaller ones have.
 *
 * A buffer that is given back is detached: what still refers to it sees no bytes, never those of another message.
 */

/** From here on a buffer is used again: smaller ones the system's allocator has at hand. */
const LEAST_BYTES = 256 * 1024;
/** What waits to be used again takes no more than this together. */
const MOST_IDLE_BYTES = 16 * 1024 * 1024;

/** Waits to be used again. Held weakly: the next collection of the whole heap takes it. */
interface Idle {
  readonly capacity: number;
  readonly buffer: WeakRef<ArrayBuffer>;
}

const idle: Idle[] = [];
let idleBytes = 0;

/** The buffers that are in use. */
const lent = new WeakSet<ArrayBufferLike>();

/**
 * A buffer of at least so many bytes and up to an eighth more; of any content, so that every byte which leaves this
 * process has to be written first. {@linkcode freeGivenAway} gives it back. Nothing where so few are not worth it.
 */
export function largeBuffer(size: number): ArrayBuffer | undefined {
  if (size < LEAST_BYTES) return undefined;
  const capacity = capacityOf(size);
  const buffer = takeIdle(capacity) ?? new ArrayBuffer(capacity);
  lent.add(buffer);
  return buffer;
}

/** Whether the bytes are of a buffer of {@linkcode largeBuffer}. */
export function isOfLargeBuffer({ buffer }: Uint8Array): boolean {
  return buffer.byteLength >= LEAST_BYTES && lent.has(buffer);
}

/**
 * The same of bytes that are at least half of the smallest such buffer. Smaller ones are not asked for theirs, which
 * would take as long as making a view; their buffer is left to the collector.
 */
export function fillsLargeBuffer(bytes: Uint8Array): boolean {
  return bytes.byteLength * 2 >= LEAST_BYTES && isOfLargeBuffer(bytes);
}

/** Takes a buffer of {@linkcode largeBuffer} back, whose bytes no code reads any more. */
export function giveBack(buffer: ArrayBuffer): void {
  const capacity = buffer.byteLength;
  if (capacity > MOST_IDLE_BYTES) return void buffer.transfer(0);
  while (idleBytes + capacity > MOST_IDLE_BYTES) forget(0);
  idle.push({ capacity, buffer: new WeakRef(buffer.transfer()) });
  idleBytes += capacity;
}

/** The one that was used last is the likeliest to be in the processor's caches. */
function takeIdle(capacity: number): ArrayBuffer | undefined {
  for (let at = idle.length - 1; at >= 0; at--) {
    if (idle[at]!.capacity !== capacity) continue;
    const buffer = forget(at).buffer.deref();
    if (buffer !== undefined) return buffer;
  }
  return undefined;
}

function forget(at: number): Idle {
  const [forgotten] = idle.splice(at, 1);
  idleBytes -= forgotten!.capacity;
  return forgotten!;
}

/** Eight sizes for each power of two, so that messages of about the same size share their buffers. */
function capacityOf(size: number): number {
  const step = 2 ** (28 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}
