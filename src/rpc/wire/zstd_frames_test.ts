import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Code } from "@connectrpc/connect";
import { constants, zstdCompressSync } from "node:zlib";
import { compressionOf } from "./compression.ts";
import { MAX_FRAMES, zstdFrames } from "./zstd_frames.ts";

const { ZSTD_c_checksumFlag, ZSTD_c_windowLog } = constants;
const { decompress } = compressionOf("zstd");
const word = new TextEncoder().encode("selvage");
const skippable = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
const invalid = { code: Code.InvalidArgument };

const contents = {
  nothing: new Uint8Array(0),
  "a word": word,
  "noise, which is stored": crypto.getRandomValues(new Uint8Array(10_000)),
  "zeros, which are repeated": new Uint8Array(1_000_000),
  "several blocks": Uint8Array.from({ length: 400_000 }, (_, at) => at % 5_000 >> 4),
};

for (const [name, bytes] of Object.entries(contents)) {
  for (const checksum of [false, true]) {
    for (const size of [false, true]) {
      const form = `${checksum ? "with" : "without"} checksum, ${size ? "with" : "without"} size`;

      Deno.test(`zstdFrames takes a frame of ${name}, and nothing less: ${form}`, () => {
        const frame = zstdCompressSync(bytes, {
          params: { [ZSTD_c_checksumFlag]: Number(checksum) },
          ...(size ? { pledgedSrcSize: bytes.byteLength } : {}),
        });
        assert.deepEqual(zstdFrames(frame), [frame.subarray()]);
        const step = Math.ceil(frame.byteLength / 1000);
        for (let left = 1; left < frame.byteLength; left += step) {
          assert.equal(zstdFrames(frame.subarray(0, left)), undefined, `${left} bytes`);
        }
      });
    }
  }
}

Deno.test("zstdFrames takes every form of the fields of a frame", () => {
  const lastBlock = [0b01_1, 0, 0, 7];
  for (const [form, window, dictionary] of [[0, 1, 0], [1, 1, 1], [2, 1, 2], [3, 1, 4]] as const) {
    for (const [segment, size] of [[0, [0, 2, 4, 8]], [0b10_0000, [0, 1, 3, 7]]] as const) {
      for (const [sizeForm, more] of size.entries()) {
        const descriptor = sizeForm << 6 | segment | form;
        const fields = new Uint8Array(window + dictionary + more);
        const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...fields, ...lastBlock);
        assert.deepEqual(zstdFrames(frame), [frame], `descriptor ${descriptor.toString(2)}`);
      }
    }
  }
});

Deno.test("zstdFrames leaves out frames that are to be skipped, unless they are torn", () => {
  const frame = zstdCompressSync(word).subarray();
  assert.deepEqual(zstdFrames(Buffer.concat([skippable, frame, skippable])), [frame]);
  assert.equal(zstdFrames(Buffer.concat([frame, skippable.subarray(0, 10)])), undefined);
  assert.equal(zstdFrames(Buffer.concat([frame, skippable.subarray(0, 7)])), undefined);
});

Deno.test("zstd joins what is in several frames, up to the limit", async () => {
  const frames = Buffer.concat([zstdCompressSync(word), skippable, zstdCompressSync(word)]);
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(await decompress(frames, 14)), "selvageselvage");
  await assert.rejects(decompress(frames, 13), { code: Code.ResourceExhausted });
});

Deno.test("zstd refuses what is in more frames than a message has a use for", async () => {
  const frames = (count: number) => Buffer.concat(Array(count).fill(zstdCompressSync(word)));
  const most = await decompress(frames(MAX_FRAMES), 1000);
  assert.equal(most.byteLength, MAX_FRAMES * word.byteLength);
  await assert.rejects(decompress(frames(MAX_FRAMES + 1), 1000), invalid);
});

Deno.test("zstd refuses a window above 8 MiB, whatever is in it", async () => {
  const compressed = (windowLog: number) =>
    zstdCompressSync(new Uint8Array(10_000_000), { params: { [ZSTD_c_windowLog]: windowLog } });
  assert.equal((await decompress(compressed(23), 10_000_000)).byteLength, 10_000_000);
  await assert.rejects(decompress(compressed(24), 10_000_000), invalid);
});
