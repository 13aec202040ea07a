import assert from "node:assert/strict";
import { ConfigurationError, WorkerUnavailable } from "../../src/errors/mod.ts";
import { endingWithParent } from "../../src/pool/parent_death_signal.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { lines } from "../support/lines.ts";
import { next, rejection } from "./pool_events.ts";
import { gone, isRunning } from "./processes.ts";
import { hold } from "./held_threads.ts";
import { add, exit, hang, processId, wait } from "./routines.ts";

const modules = [new URL("./routines.ts", import.meta.url)];

Deno.test("WorkerPool starts another worker when one is killed", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const first = await pool.call(processId, []);
  const restarted = next(pool, "worker.restarted");
  Deno.kill(first, "SIGKILL");
  const { workerId, previousId } = await restarted;
  assert.notEqual(workerId, previousId);
  const second = await pool.call(processId, []);
  assert.notEqual(second, first);
});

Deno.test("WorkerPool lets a call wait for the worker that is being restarted", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const first = await pool.call(processId, []);
  const removed = next(pool, "discovery.removed");
  Deno.kill(first, "SIGKILL");
  await removed;
  const during = await Promise.all([pool.call(processId, []), pool.call(add, [1, 2])]);
  assert.notEqual(during[0], first);
  assert.equal(during[1], 3);
});

Deno.test("WorkerPool replaces a worker whose event loop hangs, and names the call that it held", async () => {
  await using pool = await WorkerPool.open({
    spawn: {
      count: 2,
      modules,
      threads: 0,
      // Long enough for the other worker to answer on a busy machine.
      livenessTimeoutMs: 6_000,
      limits: { blockedAfterMs: 100 },
    },
  });
  await pool.ready({ min: 2 });
  const processes = new Set<number>();
  while (processes.size < 2) processes.add(await pool.call(processId, []));
  // On a busy machine an event loop may also stand still at a short call.
  const blocked = next(pool, "worker.blocked", ({ routine }) => routine === "pool.hang");
  const unresponsive = next(pool, "worker.unresponsive");
  const removed = next(pool, "discovery.removed");
  const restarted = next(pool, "worker.restarted");
  const lost = rejection(pool.call(hang, []));
  const { workerId: blockedId } = await blocked;
  const { workerId, calls } = await unresponsive;
  assert.equal(blockedId, workerId);
  assert.deepEqual(calls.map(({ routine }) => routine), ["pool.hang"]);
  await removed;
  const others = await Promise.all(Array.from({ length: 8 }, () => pool.call(processId, [])));
  assert.equal(new Set(others).size, 1, "the other one takes every call");
  assert.ok(processes.has(others[0]!));
  assert.ok(await lost instanceof WorkerUnavailable);
  const again = await restarted;
  assert.equal(again.previousId, workerId);
  assert.deepEqual(again.calls, calls);
  await pool.ready({ min: 2 });
});

Deno.test("WorkerPool replaces a worker whose threads all compute for calls that are over", async () => {
  const held = new URL("./held_threads.ts", import.meta.url);
  await using pool = await WorkerPool.open({
    spawn: { count: 1, modules: [...modules, held], threads: 1, limits: { threadGraceMs: 50 } },
  });
  const first = await pool.call(processId, []);
  const lost = next(pool, "worker.threads-lost");
  const restarted = next(pool, "worker.restarted");
  let isLost = false;
  lost.then(() => isLost = true);
  while (!isLost) await rejection(pool.call(hold, [], { timeoutMs: 100 }));
  assert.equal((await lost).computing, 2);
  await restarted;
  assert.notEqual(await pool.call(processId, []), first);
});

Deno.test("WorkerPool grows and shrinks under load, and no call fails", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const processes = new Set<number>();
  let calling = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (calling) processes.add(await pool.call(wait, [1]));
  });
  await pool.resize(2);
  while (processes.size < 2) await pool.call(processId, []);
  await pool.resize(1);
  assert.equal([...processes].filter(isRunning).length, 1);
  calling = false;
  await Promise.all(callers);
  await assert.rejects(pool.resize(0), ConfigurationError);
});

Deno.test("WorkerPool reports a call whose worker ends, and never runs it twice", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const crashed = next(pool, "worker.crashed");
  const error = await rejection(pool.call(exit, [7]));
  assert.ok(error instanceof WorkerUnavailable, String(error));
  assert.equal(error.notBegun, false);
  assert.equal((await crashed).exitCode, 7);
  assert.equal(await pool.call(add, [1, 2]), 3);
});

Deno.test("WorkerPool leaves no process when it is disposed of, and lets calls finish", async () => {
  const pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const slow = pool.call(wait, [300]);
  const processes = new Set<number>();
  while (processes.size < 2) processes.add(await pool.call(processId, []));
  await pool[Symbol.asyncDispose]();
  assert.ok(processes.has(await slow));
  assert.deepEqual([...processes].filter(isRunning), []);
});

Deno.test("WorkerPool cuts calls off when its grace is over", async () => {
  const pool = await WorkerPool.open({
    spawn: { count: 1, modules, threads: 0, drainGraceMs: 50 },
  });
  const process = await pool.call(processId, []);
  const cut = rejection(pool.call(wait, [600_000]));
  await pool[Symbol.asyncDispose]();
  assert.ok(await cut instanceof Error);
  assert.equal(isRunning(process), false);
});

Deno.test("WorkerPool's workers are gone when their parent is killed", async () => {
  const parent = startParent();
  const processes = await processesOf(parent);
  assert.ok(processes.every(isRunning));
  parent.kill("SIGKILL");
  await parent.status;
  await gone(processes);
});

Deno.test({
  name: "WorkerPool's workers are gone when their parent is killed, even while they compute",
  // Elsewhere a worker notices once its routine yields.
  ignore: (await endingWithParent("program")).path === "program",
  async fn() {
    const parent = startParent(["compute"], "piped");
    const processes = await processesOf(parent);
    for await (const line of lines(parent.stderr)) if (line.includes("computing")) break;
    parent.kill("SIGKILL");
    await parent.status;
    await gone(processes);
  },
});

Deno.test("WorkerPool's workers are gone when their parent ends in order", async () => {
  const parent = startParent();
  const processes = await processesOf(parent);
  parent.kill("SIGTERM");
  assert.equal((await parent.status).code, 0);
  assert.deepEqual(processes.filter(isRunning), []);
});

function startParent(
  args: readonly string[] = [],
  stderr: "inherit" | "piped" = "inherit",
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./parent.ts", import.meta.url).href, ...args],
    stdout: "piped",
    stderr,
  }).spawn();
}

async function processesOf(parent: Deno.ChildProcess): Promise<number[]> {
  for await (const line of lines(parent.stdout)) return JSON.parse(line);
  throw new Error("the parent ended without a word");
}
