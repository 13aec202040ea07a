import assert from "node:assert/strict";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import { YoungBuffers, type YoungHeap } from "./young_buffers.ts";

const MIB = 1024 * 1024;
const ITEM_BYTES = 64 * 1024;

/** A heap whose young part holds so much. */
class FakeHeap implements YoungHeap {
  collections = 0;
  filledBytes = 0;
  isMarking = false;
  marks = 0;
  #youngBytes = 0;
  readonly #capacityBytes: number;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  freeBytes(): number {
    return Math.max(this.#capacityBytes - this.#youngBytes, 0);
  }

  usedBytes(): number {
    return 20 * MIB + this.#youngBytes;
  }

  wasMarked(): boolean {
    const { marks } = this;
    this.marks = 0;
    return marks > 0;
  }

  fill(bytes: number): void {
    this.filledBytes += bytes;
    this.#youngBytes += bytes;
    if (this.#youngBytes < this.#capacityBytes || this.isMarking) return;
    this.#youngBytes = 0;
    this.collections++;
  }
}

function handOut(buffers: YoungBuffers, bytes: number): void {
  for (let handed = 0; handed < bytes; handed += ITEM_BYTES) buffers.handedOut(ITEM_BYTES);
}

Deno.test("YoungBuffers has the young part of the heap collected for 4 MiB at first, later for 16", () => {
  const heap = new FakeHeap(8 * MIB);
  const buffers = new YoungBuffers(heap);
  handOut(buffers, 4 * MIB - ITEM_BYTES);
  assert.equal(heap.filledBytes, 0);
  handOut(buffers, ITEM_BYTES);
  assert.equal(heap.collections, 1);
  handOut(buffers, 512 * MIB);
  const { collections, filledBytes } = heap;
  handOut(buffers, 64 * MIB);
  assert.equal(heap.collections - collections, 4);
  assert.ok(heap.filledBytes - filledBytes <= 4 * 9 * MIB, `${heap.filledBytes}`);
});

Deno.test("YoungBuffers has it collected more often again once the heap was marked", () => {
  const heap = new FakeHeap(4 * MIB);
  const buffers = new YoungBuffers(heap);
  handOut(buffers, 512 * MIB);
  for (const mark of [() => heap.marks++, () => heap.isMarking = true]) {
    mark();
    handOut(buffers, 16 * MIB);
    heap.isMarking = false;
    const { collections } = heap;
    handOut(buffers, 16 * MIB);
    assert.ok(heap.collections - collections >= 3, `${heap.collections}`);
    handOut(buffers, 512 * MIB);
  }
});

Deno.test("YoungBuffers fills little more than the free part of a heap that nothing is collected of", () => {
  const heap = new FakeHeap(8 * MIB);
  const buffers = new YoungBuffers(heap);
  heap.isMarking = true;
  handOut(buffers, 1024 * MIB);
  // What is used is not free again: beyond the first time only the excess is filled.
  assert.ok(heap.filledBytes <= 8 * MIB + 256 * MIB / 4, `${heap.filledBytes}`);
});

Deno.test("YoungBuffers fills at most twice what is handed out, however large the young part is", () => {
  const heap = new FakeHeap(64 * MIB);
  const buffers = new YoungBuffers(heap);
  handOut(buffers, 2048 * MIB);
  assert.ok(heap.collections >= 60, `${heap.collections}`);
  assert.ok(heap.filledBytes <= 2 * 2048 * MIB + 65 * MIB, `${heap.filledBytes}`);
});

Deno.test("the platform knows the young part of its heap", () => {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
  assert.ok(young !== undefined && young.space_available_size >= 0);
  assert.ok(getHeapStatistics().used_heap_size > 0);
});
