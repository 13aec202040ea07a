/** Calls that come to no worker in their time say what they waited for. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { Discovery } from "../../src/discovery/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { DeadlineExceeded } from "../../src/errors/mod.ts";
import { untilAborted } from "../../src/values/mod.ts";
import { add } from "./routines.ts";

/** Never reports anything. */
const silent: Discovery = {
  source: "silent:",
  namesWorkers: false,
  // deno-lint-ignore require-yield
  async *watch(signal) {
    await untilAborted(new Promise<never>(() => {}), signal).catch(() => {});
  },
};

async function failureOf(discovery: string | Discovery): Promise<DeadlineExceeded> {
  await using dispatcher = await Dispatcher.open({ discovery });
  const error = await dispatcher.call(add, [1], { timeoutMs: 50 }).catch((error) => error);
  assert.ok(error instanceof DeadlineExceeded, String(error));
  assert.equal(error.timeoutMs, 50);
  return error;
}

Deno.test("a call whose time ends while discovery has reported nothing says so", async () => {
  const { message } = await failureOf(silent);
  assert.equal(
    message,
    "no worker took the call within 50 ms: discovery had reported nothing by then: silent:",
  );
});

Deno.test("a call whose time ends while its worker is dialled says so", async () => {
  const server = createServer((socket) => void socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const { message } = await failureOf(`static:127.0.0.1:${port}`);
  server.close();
  assert.equal(
    message,
    "no worker took the call within 50 ms: none that is known could be connected by then",
  );
});
