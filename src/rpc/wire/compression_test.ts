import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { Code } from "@connectrpc/connect";
import { acceptedCompression, compressionNames, compressionOf } from "./compression.ts";

for (const name of compressionNames) {
  const compression = compressionOf(name);

  Deno.test(`${name} gives back what it compressed`, async () => {
    const bytes = new TextEncoder().encode("selvage ".repeat(1000));
    const compressed = await compression.compress(bytes);
    assert(compressed.byteLength < bytes.byteLength);
    assert.deepEqual(await compression.decompress(compressed, bytes.byteLength), bytes);
  });

  Deno.test(`${name} stops at the limit of what it expands to`, async () => {
    const bomb = await compression.compress(new Uint8Array(20_000_000));
    await assert.rejects(compression.decompress(bomb, 1000), { code: Code.ResourceExhausted });
  });

  Deno.test(`${name} refuses what it did not compress`, async () => {
    const garbage = new TextEncoder().encode("this was never compressed");
    await assert.rejects(compression.decompress(garbage, 1000), { code: Code.InvalidArgument });
  });

  Deno.test(`${name} refuses what is torn`, async () => {
    const whole = await compression.compress(new Uint8Array(1000).map((_, at) => at * at));
    await assert.rejects(
      compression.decompress(whole.subarray(0, whole.byteLength - 10), 10_000),
      { code: Code.InvalidArgument },
    );
  });

  Deno.test(`${name} refuses what is torn between two of its blocks`, async () => {
    // Noise is stored as it is, in blocks of at most 128 KiB.
    const noise = Array.from({ length: 4 }, () => crypto.getRandomValues(new Uint8Array(65_536)));
    const whole = await compression.compress(Buffer.concat(noise));
    // Few messages of Brotli may be broken in a process.
    const more = name === "br" ? [] : [5, 9, 12, 131_084, whole.byteLength - 4];
    for (const left of [1, 65_536, whole.byteLength - 1, ...more]) {
      await assert.rejects(
        compression.decompress(whole.subarray(0, left), 1_000_000),
        { code: Code.InvalidArgument },
        `the first ${left} bytes`,
      );
    }
  });

  Deno.test(`${name} reads nothing as nothing`, async () => {
    assert.equal((await compression.decompress(new Uint8Array(0), 10)).byteLength, 0);
  });
}

Deno.test("zstd is decompressed in one step, so that what fails in it fails the call", async () => {
  const { compress, decompress } = compressionOf("zstd");
  const whole = await compress(new Uint8Array(1_000_000).map((_, at) => at * at));
  let turned = false;
  setImmediate(() => turned = true);
  assert.equal((await decompress(whole, 1_000_000)).byteLength, 1_000_000);
  assert.equal(turned, false);
});

Deno.test("acceptedCompression takes the first of the caller's that we have", () => {
  assert.equal(acceptedCompression("snappy, br,gzip")?.name, "br");
  assert.equal(acceptedCompression("zstd,gzip")?.name, "zstd");
  assert.equal(acceptedCompression("constructor"), undefined);
  assert.equal(acceptedCompression("gzip")?.name, "gzip");
  assert.equal(acceptedCompression("identity"), undefined);
  assert.equal(acceptedCompression(""), undefined);
});
