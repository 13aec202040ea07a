import assert from "node:assert/strict";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const SCRIPT = new URL("./broken_handshakes.ts", import.meta.url).href;

for (
  const way of [
    "client-ends",
    "client-resets",
    "client-garbles",
    "client-falls-silent",
    "client-speaks-plaintext",
    "client-is-refused",
    "worker-is-refused",
    "worker-ends",
    "worker-resets",
    "worker-garbles",
  ]
) {
  Deno.test(`a handshake that is broken off leaves nothing in memory: ${way}`, async () => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--config", CONFIG, "-A", "--v8-flags=--expose-gc", SCRIPT, way],
      stderr: "inherit",
    }).output();
    assert.equal(code, 0);
    const bytes = Number(new TextDecoder().decode(stdout));
    assert.ok(bytes < 5_000, `${bytes} bytes for each`);
  });
}
