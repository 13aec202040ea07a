import assert from "node:assert/strict";
import { WorkerServer } from "../../src/worker/mod.ts";
import { add } from "../e2e/routines.ts";

const CALLER = new URL("./starved_dispatcher.ts", import.meta.url).href;

Deno.test("a dispatcher without file descriptors says so, and calls again once it has some", async () => {
  await using worker = await WorkerServer.start({ routines: { add } });
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'ulimit -n 200; exec "$0" "$@"', Deno.execPath(), "run", "-A", CALLER]
      .concat(worker.address),
    stdout: "piped",
  }).output();
  const [starved, after] = JSON.parse(new TextDecoder().decode(stdout));
  assert.match(starved, /^WorkerUnavailable: .* no file descriptor left/);
  assert.equal(after, "3");
});
