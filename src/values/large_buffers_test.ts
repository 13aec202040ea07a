import assert from "node:assert/strict";
import { giveBack, isOfLargeBuffer, largeBuffer } from "./large_buffers.ts";
import { freeGivenAway } from "./octets.ts";

const MIB = 1024 * 1024;

/** Takes every buffer of a size that waits, for as long as one is not new; how many there were. */
function takeMarked(size: number): number {
  let count = 0;
  while (new Uint8Array(largeBuffer(size)!)[0] === 1) count++;
  return count;
}

function marked(size: number): ArrayBuffer {
  const buffer = largeBuffer(size)!;
  new Uint8Array(buffer)[0] = 1;
  return buffer;
}

Deno.test("a large buffer that is given back is detached, and the next of about its size has its memory", () => {
  takeMarked(MIB);
  const buffer = marked(MIB);
  const stale = new Uint8Array(buffer);
  giveBack(buffer);
  assert.equal(stale.length, 0);
  assert.equal(isOfLargeBuffer(stale), false);
  const next = new Uint8Array(largeBuffer(MIB - 1000)!);
  assert.equal(next[0], 1);
  assert.equal(isOfLargeBuffer(next), true);
  // It was there once.
  assert.equal(takeMarked(MIB), 0);
});

Deno.test("a large buffer holds what was asked for, and an eighth more at most", () => {
  for (let size = 262_144; size < 64 * MIB; size = Math.ceil(size * 1.07)) {
    for (const asked of [size - 1, size, size + 1]) {
      const capacity = largeBuffer(asked)?.byteLength;
      if (asked < 262_144) assert.equal(capacity, undefined);
      else assert.ok(capacity! >= asked && capacity! <= asked * 1.125 + 1, `${asked}: ${capacity}`);
    }
  }
});

Deno.test("what waits takes 16 MiB at most", () => {
  const buffers = Array.from({ length: 40 }, () => marked(MIB));
  buffers.forEach(giveBack);
  // One that may not wait makes no other go.
  const huge = marked(17 * MIB);
  giveBack(huge);
  assert.equal(huge.detached, true);
  assert.equal(takeMarked(17 * MIB), 0);
  assert.equal(takeMarked(MIB), 16);
});

Deno.test("what waits makes room for what was used later", () => {
  Array.from({ length: 16 }, () => marked(MIB)).forEach(giveBack);
  giveBack(marked(8 * MIB));
  assert.equal(takeMarked(8 * MIB), 1);
  assert.equal(takeMarked(MIB), 8);
});

Deno.test("bytes of a large buffer that are given away give it back", () => {
  takeMarked(MIB);
  freeGivenAway(new Uint8Array(marked(MIB), 256, 1000));
  assert.equal(takeMarked(MIB), 1);
});
