import assert from "node:assert/strict";

const SOAK = new URL("../../scripts/soak.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("a soak leaks nothing and accounts for every call", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--v8-flags=--expose-gc",
      "--config",
      CONFIG,
      SOAK,
      "--seconds",
      "10",
    ],
    stdin: "null",
    stdout: "piped",
  }).output();
  const report = JSON.parse(new TextDecoder().decode(stdout));
  const { ok, wrong, left, calls, restarts, vanished } = report;
  assert.deepEqual({ ok, wrong, left }, { ok: true, wrong: [], left: [] }, JSON.stringify(report));
  assert.ok(calls > 0 && vanished > 0 && restarts.drained + restarts.killed > 0);
  assert.equal(code, 0);
});
