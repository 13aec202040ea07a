import assert from "node:assert/strict";
import { join } from "node:path";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { selvage, start } from "./command.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("health --wait asks over mutual TLS until a worker that is not up yet serves", async () => {
  const pki = await issue();
  const address = `unix:${join(await Deno.makeTempDir(), "worker.sock")}`;
  const mutual = ["--endpoint", address, "--identity", "spiffe://x/worker"];
  const waiting = selvage(["health", ...mutual, ...pki.flags("client"), "--wait", "10m"]);
  await using worker = start([
    ...["worker", MODULE, "--listen", address, ...pki.flags("worker")],
    ...["--allow", "spiffe://x/client"],
  ]);
  const { code, out, err } = await waiting;
  assert.deepEqual([code, out], [0, '{"status":"SERVING"}\n'], err);
  // It proves who it is, as any other caller: a refusal is no reason to wait.
  const stranger = await selvage(["health", ...mutual, ...pki.flags("stranger"), "--wait", "10m"]);
  assert.equal(stranger.code, 4, stranger.err);
  assert.ok(worker !== undefined);
});

Deno.test("health names the worker that drains, and what it answers", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const hold = routine("x.hold", async function* () {
    yield "begun";
    await held;
  });
  const worker = await WorkerServer.start({
    routines: [hold],
    health: "127.0.0.1:0",
    limits: { drainGraceMs: 600_000 },
  });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  const items = dispatcher.stream(hold, []);
  await items.next();
  using events = worker.events();
  const stopped = worker[Symbol.asyncDispose]();
  for await (const { type } of events) if (type === "worker.draining") break;
  const { code, err } = await selvage(["health", "--endpoint", worker.healthAddress!]);
  assert.equal(code, 6, err);
  assert.equal(JSON.parse(err).message, `worker ${worker.healthAddress} answers NOT_SERVING`);
  release();
  for await (const _ of items);
  await stopped;
});

Deno.test("a warning that concerns safety is shown by default, and nothing else of the log", async () => {
  const pki = await issue();
  await using worker = start([
    ...["worker", MODULE, ...pki.flags("worker"), "--allow", "spiffe://x/client"],
  ]);
  const { address } = JSON.parse((await worker.first)!);
  const token = pki.file("token");
  await Deno.writeTextFile(token, "a.b.c");
  const { code, out, err } = await selvage([
    ...["call", "cli.add", "[1]", "--endpoint", address, ...pki.flags("client")],
    ...["--identity", "spiffe://x/worker", "--token-file", token],
  ]);
  assert.deepEqual([code, out], [0, "2\n"], err);
  const shown = err.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(shown.map(({ level, properties }) => [level, properties.type]), [
    ["WARN", "security.token-ignored"],
  ]);
});
