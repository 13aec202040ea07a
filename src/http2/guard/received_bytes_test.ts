import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { keepableBytes } from "./received_bytes.ts";

Deno.test("keepableBytes does not keep a large chunk alive for a small payload", () => {
  const chunk = new Uint8Array(65_536).map((_, at) => at);
  for (const length of [0, 1, 100, 1024, 1025, 16_000, 16_384, 60_000]) {
    const kept = keepableBytes(chunk, 7, 7 + length, true);
    deepStrictEqual(kept, chunk.slice(7, 7 + length));
    strictEqual(kept.buffer.byteLength <= Math.max(5 * length, 4096), true);
  }
});

Deno.test("keepableBytes gives payloads that do not share octets", () => {
  const chunk = new Uint8Array(65_536);
  const first = keepableBytes(chunk, 0, 10, true);
  const second = keepableBytes(chunk, 10, 20, true);
  first.fill(1);
  strictEqual(second.every((octet) => octet === 0), true);
});
