import assert from "node:assert/strict";
import { allocate, allocateWithRoom, withHead } from "./allocate.ts";

Deno.test("allocate() gives plain bytes that no other piece overlaps", () => {
  const pieces = Array.from({ length: 500 }, (_, i) => allocate(i % 200).fill(i));
  for (const [i, piece] of pieces.entries()) {
    assert.equal(Object.getPrototypeOf(piece), Uint8Array.prototype);
    assert.equal(piece.length, i % 200);
    assert(piece.every((byte) => byte === i % 256));
  }
});

Deno.test("allocate() gives a large piece a buffer of its own", () => {
  assert.equal(allocate(100_000).buffer.byteLength, 100_000);
});

Deno.test("withHead() writes before the bytes that were given last, and before no others", () => {
  const first = allocateWithRoom(3).fill(1);
  const bytes = allocateWithRoom(4).fill(2);
  assert.equal(withHead(first, 1), undefined);
  assert.equal(withHead(bytes.subarray(0), 1), undefined);
  const inner = withHead(bytes, 10);
  inner?.fill(3, 0, 10);
  assert.equal(withHead(bytes, 1), undefined);
  const outer = withHead(inner!, 6);
  outer?.fill(4, 0, 6);
  assert.equal(withHead(outer!, 1), undefined);
  assert.deepEqual([...outer!], [4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2]);
  assert.deepEqual([...first, ...bytes], [1, 1, 1, 2, 2, 2, 2]);
  assert.equal(withHead(allocateWithRoom(2_000), 1), undefined);
});

Deno.test("allocateWithRoom() gives plain bytes, and room, that no other piece overlaps", () => {
  const pieces = Array.from({ length: 500 }, (_, i) => {
    const bytes = allocateWithRoom(i % 200).fill(i);
    const whole = i % 2 === 0 ? bytes : withHead(bytes, i % 17)!;
    allocate(i % 30).fill(0);
    return whole.fill(i);
  });
  for (const [i, piece] of pieces.entries()) {
    assert.equal(Object.getPrototypeOf(piece), Uint8Array.prototype);
    assert(piece.every((byte) => byte === i % 256));
  }
});
