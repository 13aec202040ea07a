import assert from "node:assert/strict";
import { Overloaded } from "../../src/errors/mod.ts";
import { type CallContext, decodePayload, encodePayload } from "../../src/routine/mod.ts";
import { createThreadPool, type ThreadPool } from "../../src/worker/threads/thread_pool.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Computing } from "./computing.ts";

const modules = [new URL("./routines.ts", import.meta.url)];
const graceMs = 50;

Deno.test("ThreadPool starts no thread beside twice as many as it may have that compute on, and refuses calls", async () => {
  using computing = new Computing();
  const clock = new ManualClock();
  const lost: number[] = [];
  await using pool = await createThreadPool({
    modules,
    threads: 1,
    graceMs,
    clock,
    queued,
    onLost: (threads) => lost.push(threads),
  });
  await giveUpOne(pool, clock, "thread.hold-until", [computing.path]);
  await giveUpOne(pool, clock, "thread.hold-until", [computing.path]);
  assert.deepEqual(pool.state, { threads: 0, running: 0, waiting: 0, replaced: 2, computing: 1 });
  const waits = assert.rejects(add(pool), Overloaded);
  assert.equal(pool.state.waiting, 1);
  clock.advance(graceMs);
  await waits;
  await assert.rejects(add(pool), Overloaded);
  assert.deepEqual(pool.state, { threads: 0, running: 0, waiting: 0, replaced: 2, computing: 2 });
  assert.deepEqual(lost, [2]);
});

Deno.test("ThreadPool starts a thread again for the calls that wait once one that computed on is done", async () => {
  using computing = new Computing();
  const clock = new ManualClock();
  await using pool = await createThreadPool({ modules, threads: 1, graceMs, clock, queued });
  await giveUpOne(pool, clock, "thread.hold-until", [computing.path]);
  await giveUpOne(pool, clock, "thread.hold-until", [computing.path]);
  const sum = add(pool);
  assert.equal(pool.state.waiting, 1);
  computing.end();
  assert.equal(await sum, 3);
  assert.equal(pool.state.threads, 1);
});

Deno.test("ThreadPool does not count a thread that waits past its grace, but computes nothing", async () => {
  const clock = new ManualClock();
  await using pool = await createThreadPool({ modules, threads: 1, graceMs, clock, queued });
  for (let round = 0; round < 3; round++) {
    await giveUpOne(pool, clock, "thread.deaf", []);
    assert.equal(await add(pool), 3);
  }
  assert.equal(pool.state.replaced, 3);
});

/** Called once the call that waited has a thread. */
let given = () => {};

function queued(change: number): void {
  if (change < 0) given();
}

/** A call whose routine goes on after its signal and past its grace. */
async function giveUpOne(
  pool: ThreadPool,
  clock: ManualClock,
  routine: string,
  list: readonly unknown[],
): Promise<void> {
  const cancel = new AbortController();
  const held = assert.rejects(call(pool, routine, list, cancel.signal), /enough/);
  if (pool.state.waiting > 0) await new Promise<void>((resolve) => given = resolve);
  cancel.abort(new Error("enough"));
  await held;
  clock.advance(graceMs);
}

function add(pool: ThreadPool): Promise<unknown> {
  return call(pool, "thread.add", [1, 2], new AbortController().signal);
}

async function call(
  pool: ThreadPool,
  routine: string,
  list: readonly unknown[],
  signal: AbortSignal,
): Promise<unknown> {
  const context: CallContext = {
    id: "call",
    workerId: "worker",
    peer: { names: [], address: "memory:test", security: "memory" },
    signal,
    tags: [],
    ambient: {},
    dispatcher: undefined as never,
  };
  const result = await pool.call(routine, encodePayload(list, "arguments"), context);
  return decodePayload(result, "result");
}
