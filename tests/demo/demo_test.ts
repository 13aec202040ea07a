import assert from "node:assert/strict";
import { join } from "node:path";

const DEMO = new URL("../../scripts/demo.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("the demo digests a folder on its pool and prints one line of JSON", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(join(folder, "small.txt"), "two words\nand a line\n");
  await Deno.writeFile(join(folder, "empty"), new Uint8Array());
  await Deno.writeFile(join(folder, "large.bin"), new Uint8Array(3 * 1024 * 1024 + 1).fill(7));
  await Deno.mkdir(join(folder, "node_modules"));
  await Deno.writeTextFile(join(folder, "node_modules", "skipped.txt"), "not this");
  const { code, out, err } = await demo([folder]);
  assert.equal(code, 0, err);
  const line = JSON.parse(out);
  assert.ok(line.callsPerSecond > 0);
  assert.deepEqual(line, {
    files: 3,
    bytes: 21 + 3 * 1024 * 1024 + 1,
    mismatches: 0,
    workers: navigator.hardwareConcurrency,
    callsPerSecond: line.callsPerSecond,
    impostor: "untrusted-authority",
    rotations: 1,
    failedDuringRotation: 0,
  });
  assert.match(err, /2 lines, 6 words, 0 mismatches/);
  assert.match(err, /all certificates were replaced once; 0 calls failed/);
});

Deno.test("the demo reports what is wrong with its argument, and exits 2", async () => {
  const cases: [args: string[], sentence: RegExp][] = [
    [["/no/such/folder"], /there is no folder \/no\/such\/folder/],
    [[CONFIG], /is not a folder/],
    [["--fast"], /usage/],
    [["a", "b"], /usage/],
  ];
  for (const [args, sentence] of cases) {
    const { code, out, err } = await demo(args);
    assert.equal(code, 2, err);
    assert.equal(out, "");
    assert.match(err, sentence);
  }
});

async function demo(
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", CONFIG, DEMO, ...args],
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
