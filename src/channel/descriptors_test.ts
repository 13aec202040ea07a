import assert from "node:assert/strict";
import { ASSUMED_DESCRIPTORS, openFileLimit } from "./descriptors.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MODULE = new URL("./descriptors.ts", import.meta.url).href;

/** What a process with that many descriptors takes for its limit. */
async function limitOf(descriptors: number, permissions: readonly string[]): Promise<number> {
  const script = `import { openFileLimit } from "${MODULE}"; console.log(openFileLimit());`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${descriptors} && exec "$@"`,
      "sh",
      Deno.execPath(),
      ...["run", "--quiet", "--no-prompt", "--config", CONFIG, ...permissions],
      `data:text/javascript,${encodeURIComponent(script)}`,
    ],
  }).output();
  const text = new TextDecoder();
  assert.match(text.decode(stdout), /^\d+\n$/, text.decode(stderr));
  return Number(text.decode(stdout));
}

Deno.test("openFileLimit() is the soft limit of a process with all permissions, and 1,024 without them", async () => {
  assert.equal(await limitOf(300, ["-A"]), 300);
  assert.equal(await limitOf(300, []), ASSUMED_DESCRIPTORS);
  assert.equal(await limitOf(300, ["--allow-read"]), ASSUMED_DESCRIPTORS);
  assert(openFileLimit() > 0);
});
