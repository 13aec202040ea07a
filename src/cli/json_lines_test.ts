import assert from "node:assert/strict";
import { jsonLines } from "./json_lines.ts";

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

Deno.test("jsonLines reads values over the borders of chunks, and a last line without end", async () => {
  const values = await Array.fromAsync(jsonLines(chunksOf('1\n{"a"', ":2}\r\n\n", '"é"'), "input"));
  assert.deepEqual(values, [1, { a: 2 }, "é"]);
});

Deno.test("jsonLines reads no further than it is asked", async () => {
  let read = 0;
  async function* counted() {
    for await (const chunk of chunksOf("1\n", "2\n", "3\n")) {
      read += 1;
      yield chunk;
    }
  }
  const values = jsonLines(counted(), "input");
  assert.equal((await values.next()).value, 1);
  assert.equal(read, 1);
  await values.return();
});

Deno.test("jsonLines names the line that is no JSON, too long, or not UTF-8", async () => {
  const all = (chunks: AsyncIterable<Uint8Array>) => Array.fromAsync(jsonLines(chunks, "input", 8));
  await assert.rejects(all(chunksOf("1\nnope\n")), /line 2 of input is not JSON/);
  // Without an end of the line, too: no more is held than a line may have.
  await assert.rejects(all(chunksOf("1234", "56789")), /line 1 of input is longer than 8 bytes/);
  async function* torn() {
    yield await Promise.resolve(Uint8Array.of(0x22, 0xff, 0x22, 0x0a));
  }
  await assert.rejects(all(torn()), /line 1 of input is not UTF-8/);
});
