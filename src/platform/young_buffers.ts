/**
 * Fast path: buffers of large messages are collected while they are young. V8 counts them as external memory. After
 * 64 MiB of it V8 either collects the young objects, which takes 0.3 ms and frees nearly all of them, or marks the
 * whole heap, which takes 20 to 30 ms with the modules of a worker loaded; the two limits lie so close together that
 * it was mostly the latter, and marking often lowers its limit. It was half of the processor time of an end
 * that receives items of 64 KiB: 100 to 140 µs an item, 60 without it. So after every 4 to 16 MiB of them, the less
 * the more often the heap was marked all the same, the young part of the heap is filled up, which takes 0.3 to
 * 0.7 ms, and V8 collects it. The plain path is V8 alone, as with small messages. See `docs/performance.md`.
 */
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";

/** Handed out between two collections at most: with 32 MiB V8 still marked the whole heap now and then. */
const MAX_INTERVAL_BYTES = 16 * 1024 * 1024;
/** And at least: V8 leaves room for 8 MiB at the least before it marks the heap again. */
const MIN_INTERVAL_BYTES = 4 * 1024 * 1024;
/** What the interval grows by after a collection: the longer the heap was not marked, the more room V8 leaves. */
const INTERVAL_GROWTH = 1.125;
/** Smaller messages share buffers, and leave as many objects as bytes. */
const LEAST_BYTES = 4096;
/** Small, since the last one survives. */
const FILLER_BYTES = 8 * 1024;
/** Allocated beyond the free part, which is a little less than it seems. */
const EXCESS_BYTES = 256 * 1024;

/** Objects that survive two collections are old. */
const COLLECTIONS_UNTIL_OLD = 3;

/** The heap of a thread, as far as {@linkcode YoungBuffers} needs it. */
export interface YoungHeap {
  /** How much of its young part is free, in bytes. */
  freeBytes(): number;
  /** How much of all of it is in use, in bytes. */
  usedBytes(): number;
  /** Allocates so many bytes in its young part, to which nothing refers after the next call. */
  fill(bytes: number): void;
  /** Whether all of it was marked since this was called last, as far as is known. */
  wasMarked(): boolean;
}

/** Makes V8 collect the buffers of large messages while they are young. */
export class YoungBuffers {
  readonly #heap: YoungHeap;
  #intervalBytes = MIN_INTERVAL_BYTES;
  #bytesLeft = MIN_INTERVAL_BYTES;

  /** @param heap Default: that of this thread. */
  constructor(heap: YoungHeap = heapOfThread) {
    this.#heap = heap;
  }

  /** Counts a buffer of so many bytes, which the program is given and may keep. */
  handedOut(bytes: number): void {
    if (bytes < LEAST_BYTES) return;
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft > 0) return;
    const free = this.#heap.freeBytes();
    const wasMarked = this.#heap.wasMarked();
    const isMarked = !this.#collect(free) || wasMarked;
    this.#intervalBytes = isMarked
      ? MIN_INTERVAL_BYTES
      : Math.min(this.#intervalBytes * INTERVAL_GROWTH, MAX_INTERVAL_BYTES);
    // Filling takes a small part of the time that half as many bytes of messages take.
    this.#bytesLeft = Math.max(this.#intervalBytes, free / 2);
  }

  /** Returns `false` where nothing was collected, because V8 is marking the heap. */
  #collect(free: number): boolean {
    const used = this.#heap.usedBytes();
    const most = free + EXCESS_BYTES;
    for (let filled = 0; filled < most; filled += FILLER_BYTES) this.#heap.fill(FILLER_BYTES);
    return this.#heap.usedBytes() < used + free / 2;
  }
}

/** Referred to here so that compiled code does not leave the allocation out. */
const last: { filler?: unknown } = {};
const FILLER = new Array(FILLER_BYTES / 8).fill(0);

/** Refers to an old object, which is gone once the heap was marked. */
let old = new WeakRef<object>({});
/** Keeps it until it is old: a collection of young objects would take it. */
let kept: object | undefined = old.deref();
let collections = 0;

const heapOfThread: YoungHeap = {
  freeBytes: () =>
    getHeapSpaceStatistics().find((space) => space.space_name === "new_space")
      ?.space_available_size ?? 0,
  usedBytes: () => getHeapStatistics().used_heap_size,
  fill: () => {
    // What survives lets V8 make the young part larger, which takes longer to fill.
    last.filler = undefined;
    last.filler = FILLER.slice();
  },
  wasMarked: () => {
    if (kept !== undefined) {
      if (++collections > COLLECTIONS_UNTIL_OLD) kept = undefined;
      return false;
    }
    if (old.deref() !== undefined) return false;
    old = new WeakRef(kept = {});
    collections = 0;
    return true;
  },
};

/** Counts the buffers of all messages of this thread. */
export const youngBuffers: YoungBuffers = new YoungBuffers();
