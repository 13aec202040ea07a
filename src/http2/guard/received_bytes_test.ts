import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { copied, mayBeKept } from "./received_bytes.ts";

Deno.test("a small payload does not keep a large chunk alive", () => {
  const chunk = new Uint8Array(65_536).map((_, at) => at);
  for (const length of [0, 1, 100, 1024, 1025, 13_107]) {
    strictEqual(mayBeKept(chunk, length), false);
    strictEqual(mayBeKept(chunk.subarray(0, length), length), false);
    const copy = copied(chunk, 7, 7 + length);
    deepStrictEqual(copy, chunk.slice(7, 7 + length));
    strictEqual(copy.buffer.byteLength <= Math.max(length, 4096), true);
  }
  for (const length of [13_108, 16_384, 60_000]) strictEqual(mayBeKept(chunk, length), true);
});

Deno.test("copies do not share octets", () => {
  const chunk = new Uint8Array(65_536);
  const first = copied(chunk, 0, 10);
  const second = copied(chunk, 10, 20);
  first.fill(1);
  strictEqual(second.every((octet) => octet === 0), true);
});
