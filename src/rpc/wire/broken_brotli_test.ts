import assert from "node:assert/strict";

/** What is broken is refused in all of a process, so that it is one of its own. */
const PROGRAM = `
import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { compressionOf, requestCompressionOf } from ${JSON.stringify(here("./compression.ts"))};

const { compress, decompress } = compressionOf("br");
const whole = await compress(new Uint8Array(5000));
const torn = whole.subarray(0, whole.byteLength - 3);
for (let count = 0; count < 16; count++) {
  assert.equal((await decompress(whole, 10_000)).byteLength, 5000);
  await assert.rejects(decompress(torn, 10_000), { code: Code.InvalidArgument });
}
for (const compression of [compressionOf("br"), requestCompressionOf("br")]) {
  await assert.rejects(compression.decompress(whole, 10_000), { code: Code.Unimplemented });
}
const { decompress: gunzip, compress: gzip } = compressionOf("gzip");
assert.equal((await gunzip(await gzip(new Uint8Array(5000)), 10_000)).byteLength, 5000);
console.log("checked");
`;

Deno.test("br is read no more, by either end, once 16 messages of it were broken", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", new URL(here("../../../deno.json")).pathname, PROGRAM],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(stdout).trim(), "checked", text(stderr));
});

function here(path: string): string {
  return new URL(path, import.meta.url).href;
}
