import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ChunkQueue } from "./chunk_queue.ts";
import { joinBytes } from "../../../tests/support/http2/test_peer.ts";

Deno.test("ChunkQueue gives in pieces of any size what was pushed in pieces of any size", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 200 });
  const sizes = fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(chunks, sizes, (chunks, sizes) => {
    const queue = new ChunkQueue();
    const taken: Uint8Array[] = [];
    const take = (most: number) => {
      const out = new Uint8Array(Math.min(most, queue.length) + 2).fill(7);
      queue.take(out.length - 2, out, 1);
      strictEqual(out[0], 7);
      strictEqual(out.at(-1), 7);
      taken.push(out.slice(1, -1));
    };
    for (const [at, chunk] of chunks.entries()) {
      queue.push(chunk);
      if (at % 3 === 0) take(sizes[at % sizes.length]!);
    }
    for (let at = 0; queue.length > 0; at++) take(sizes[at % sizes.length]!);
    deepStrictEqual(joinBytes(taken), joinBytes(chunks));
  }));
});

Deno.test("ChunkQueue may be used again after it was cleared", () => {
  const queue = new ChunkQueue();
  for (let at = 0; at < 5; at++) queue.push(Uint8Array.of(at, at));
  queue.take(3, new Uint8Array(3), 0);
  queue.clear();
  strictEqual(queue.length, 0);
  queue.push(Uint8Array.of(9));
  const out = new Uint8Array(1);
  queue.take(1, out, 0);
  deepStrictEqual(out, Uint8Array.of(9));
});
