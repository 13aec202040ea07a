import assert from "node:assert/strict";
import { readLines } from "./line_reader.ts";

Deno.test("readLines() joins what was torn, in the middle of a character too", async () => {
  const bytes = new TextEncoder().encode("grün\nblau\n");
  const torn = [bytes.subarray(0, 3), bytes.subarray(3, 4), bytes.subarray(4)];
  assert.deepEqual(await lines(torn), ["grün", "blau"]);
});

Deno.test("readLines() counts a last line that has no end", async () => {
  assert.deepEqual(await lines([new TextEncoder().encode("a\nb")]), ["a", "b"]);
});

Deno.test("readLines() cuts an endless line instead of keeping it", async () => {
  const chunk = new Uint8Array(700_000).fill(65);
  const cut = await lines([chunk, chunk, chunk]);
  assert.deepEqual(cut.map(({ length }) => length), [1_400_000, 700_000]);
});

async function lines(chunks: readonly Uint8Array[]): Promise<string[]> {
  return await Array.fromAsync(readLines(stream(chunks)));
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
