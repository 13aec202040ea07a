import assert from "node:assert/strict";
import { LONGEST_LINE, readLines } from "./line_reader.ts";

Deno.test("readLines() joins what was torn, in the middle of a character too", async () => {
  const bytes = new TextEncoder().encode("grün\nblau\n");
  const torn = [bytes.subarray(0, 3), bytes.subarray(3, 4), bytes.subarray(4)];
  assert.deepEqual(await lines(torn), ["grün", "blau"]);
});

Deno.test("readLines() counts a last line that has no end", async () => {
  assert.deepEqual(await lines([new TextEncoder().encode("a\n\nb")]), ["a", "", "b"]);
});

Deno.test("readLines() cuts an endless line instead of keeping it", async () => {
  const chunk = new Uint8Array(700_000).fill(65);
  const lengths = async (longest?: number) =>
    (await lines([chunk, chunk, chunk], longest)).map(({ length }) => length);
  assert.deepEqual(await lengths(LONGEST_LINE), [1_400_000, 700_000]);
  assert.deepEqual(await lengths(), [2_100_000], "where no length is given it is kept");
});

async function lines(chunks: readonly Uint8Array[], longest?: number): Promise<string[]> {
  return await Array.fromAsync(readLines(stream(chunks), longest));
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
