import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
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

Deno.test("ChunkQueue frees what it was given away once it is taken, and nothing else", () => {
  const queue = new ChunkQueue();
  const given = [new Uint8Array(5000), new Uint8Array(new ArrayBuffer(6000), 32)];
  const others = [new Uint8Array(5000), new Uint8Array(10)];
  queue.push(given[0]!, true);
  queue.push(others[0]!);
  queue.push(others[1]!, true);
  queue.push(given[1]!, true);
  queue.take(4999, new Uint8Array(5000), 0);
  strictEqual(given[0]!.length, 5000);
  queue.take(1, new Uint8Array(1), 0);
  strictEqual(given[0]!.length, 0);
  queue.take(5011, new Uint8Array(6000), 0);
  queue.clear();
  deepStrictEqual([given[1]!.length, ...others.map(({ length }) => length)], [0, 5000, 10]);
});
