import assert from "node:assert/strict";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const ROTATIONS = new URL("./ended_generations.ts", import.meta.url).href;

Deno.test("a listener keeps nothing of a generation that has ended", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--config", CONFIG, "-A", "--v8-flags=--expose-gc", ROTATIONS],
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  const bytes = Number(new TextDecoder().decode(stdout));
  assert.ok(bytes < 5_000, `${bytes} bytes for each`);
});
