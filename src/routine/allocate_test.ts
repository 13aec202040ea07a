import assert from "node:assert/strict";
import { allocate } from "./allocate.ts";

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
