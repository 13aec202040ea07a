import assert from "node:assert/strict";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { dialChannel, parseAddress, type TcpAddress } from "../../src/channel/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError, RoutineError } from "../../src/errors/mod.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../src/gen/mod.ts";
import { type ClientConnection, openClientConnection } from "../../src/http2/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import { Computing } from "./computing.ts";
import {
  BEGUN,
  count,
  endless,
  endlessState,
  fail,
  heededReasons,
  heeding,
  leaves,
  reading,
  readsSoFar,
  running,
  spinUntil,
  who,
} from "./routines.ts";

/** How often a worker is asked everything while a thread computes. */
const ROUNDS = 20;

const inline = routine("inline.add", (a: number, b: number) => a + b);
const modules = [new URL("./routines.ts", import.meta.url)];

/** Resolves once a routine says, from its thread, that it has begun. */
function begun(name: string): Promise<void> {
  const channel = new BroadcastChannel(BEGUN);
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      if (data !== name) return;
      channel.close();
      resolve();
    };
  });
}

Deno.test("a worker answers calls, health, pings and cancellations while a thread computes", async () => {
  await using pair = await start({ threads: 2 });
  const { dispatcher, worker } = pair;
  const over = join(await Deno.makeTempDir(), "over");
  let spinning = true;
  const spun = dispatcher.call(spinUntil, [over]).finally(() => spinning = false);
  const health = createClient(Health, dispatcher.transport);
  await using connection = await connect(worker.address);
  const reasons = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    assert.equal(await dispatcher.call(inline, [round, 1]), round + 1);
    assert.equal((await health.check({})).status, Status.SERVING);
    await connection.ping();
    const cancel = new AbortController();
    const heeds = begun("heeding");
    const heard = assert.rejects(dispatcher.call(heeding, [], { signal: cancel.signal }), /enough/);
    await heeds;
    cancel.abort(new Error("enough"));
    await heard;
    // Only the thread that does not compute is free to answer.
    for (const reason of await dispatcher.call(heededReasons, [])) reasons.add(reason);
  }
  // On the worker's own thread they would have waited for the end of it.
  assert.ok(spinning);
  await Deno.writeTextFile(over, "");
  assert.equal(await spun, "spun");
  assert.deepEqual(reasons, new Set(["AbortError"]));
});

/** A connection of plain HTTP/2 to a worker. */
async function connect(address: string): Promise<ClientConnection & AsyncDisposable> {
  const outcome = await dialChannel(parseAddress(address) as TcpAddress, {
    signal: { timeout: new AbortController().signal },
  });
  assert.ok(outcome.ok);
  const connection = openClientConnection(outcome.channel);
  return Object.assign(connection, {
    [Symbol.asyncDispose]: async () => void await connection.shutdown(),
  });
}

Deno.test("a caller's cancellation of a call in a thread is answered while the thread computes", async () => {
  using computing = new Computing();
  await using pair = await start({ threads: 1 });
  const cancel = new AbortController();
  const spins = begun("spin-until");
  const spun = pair.dispatcher.call(spinUntil, [computing.path], { signal: cancel.signal });
  const running = assert.rejects(spun, /enough/);
  await spins;
  cancel.abort(new Error("enough"));
  await running;
  assert.equal(await pair.dispatcher.call(inline, [1, 2]), 3);
});

Deno.test("routines in threads stream, fail and see their call as inline ones do", async () => {
  await using pair = await start({ threads: 2 });
  const { dispatcher } = pair;
  assert.deepEqual(await Array.fromAsync(dispatcher.stream(count, [4])), [1, 2, 3, 4]);
  assert.deepEqual(await Array.fromAsync(dispatcher.duplex(running, [1, 2, 3], [10])), [
    11,
    13,
    16,
  ]);
  const failed = dispatcher.call(fail, []);
  await assert.rejects(
    failed,
    (error) => error instanceof RoutineError && error.remoteName === "RangeError",
  );
  const before = Date.now();
  const { deadline, aborted } = await dispatcher.call(who, [], { timeoutMs: 60_000 });
  assert.ok(deadline > before && deadline <= Date.now() + 60_000);
  assert.equal(aborted, false);
});

Deno.test("a deadline reaches the signal of a routine in a thread", async () => {
  await using pair = await start({ threads: 1 });
  const { dispatcher } = pair;
  // Its answer shows that the thread has started.
  let reasons = await dispatcher.call(heededReasons, []);
  // Where the deadline falls before the routine, a longer one is taken.
  for (let timeoutMs = 250; reasons.length === 0; timeoutMs *= 2) {
    const late = dispatcher.call(heeding, [], { timeoutMs });
    await assert.rejects(late, { name: "DeadlineExceeded" });
    reasons = await dispatcher.call(heededReasons, []);
  }
  assert.deepEqual(new Set(reasons), new Set(["DeadlineExceeded"]));
});

Deno.test("a routine in a thread that waits for input is told that its caller has left, and its thread lives on", async () => {
  await using pair = await start({ threads: 1 });
  const { dispatcher } = pair;
  const cancel = new AbortController();
  async function* input() {
    yield 1;
    await new Promise(() => {});
  }
  const reads = begun("reading");
  const items = dispatcher.duplex(reading, input(), [], { signal: cancel.signal });
  const running = assert.rejects(Array.fromAsync(items), /enough/);
  await reads;
  cancel.abort(new Error("enough"));
  await running;
  let ended: readonly string[] = [];
  while (ended.length === 0) ended = await dispatcher.call(readsSoFar, []);
  assert.deepEqual(ended, ["AbortError"]);
});

Deno.test("a routine in a thread leaves a stream at once while it waits for an item", async () => {
  const ended = Promise.withResolvers<void>();
  const stuck = routine("inline.stuck", async function* () {
    try {
      yield 1;
      const { signal } = currentCall();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    } finally {
      ended.resolve();
    }
  });
  await using pair = await inMemory({ modules, threads: 1, routines: [stuck] });
  assert.deepEqual(await pair.dispatcher.call(leaves, [stuck.name]), [true, true]);
  await ended.promise;
});

Deno.test("a stream from a thread pauses after so many items as its reader allows", async () => {
  await using pair = await start({ threads: 1 });
  const items = pair.dispatcher.stream(endless, [], { ahead: 3 });
  await items.next();
  let { made } = await pair.dispatcher.call(endlessState, []);
  while (made < 3) ({ made } = await pair.dispatcher.call(endlessState, []));
  assert.ok((await pair.dispatcher.call(endlessState, [])).made <= 4);
  await items.return();
});

Deno.test("a worker refuses a routine for threads that no thread could load", async () => {
  const stray = routine("stray", { run: "thread" }, () => 1);
  await assert.rejects(WorkerServer.start({ routines: [stray] }), ConfigurationError);
});

Deno.test("a worker is refused where the modules it serves start one while they load", async () => {
  const looping = [new URL("./starts_worker_while_loading.ts", import.meta.url)];
  await assert.rejects(
    WorkerServer.start({ modules: looping, threads: 1 }),
    (error) => error instanceof ConfigurationError && /import\.meta\.main/.test(error.message),
  );
});

interface Pair extends AsyncDisposable {
  readonly worker: WorkerServer;
  readonly dispatcher: Dispatcher;
}

async function start(options: WorkerServerOptions): Promise<Pair> {
  const worker = await WorkerServer.start({
    modules,
    routines: [inline],
    limits: { drainGraceMs: 0 },
    ...options,
  });
  const dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  return {
    worker,
    dispatcher,
    async [Symbol.asyncDispose]() {
      await dispatcher[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

Deno.test("the stack of what a routine throws in a thread is in the worker's log, not at its caller", async () => {
  const lines: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => lines.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "info", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    await using pair = await start({ threads: 1 });
    await assert.rejects(pair.dispatcher.call(fail, []), (error) => {
      assert.ok(error instanceof RoutineError);
      assert.equal(error.remoteStack, undefined);
      return true;
    });
  } finally {
    await reset();
  }
  const line = lines.find(({ properties }) => properties["type"] === "call.failed");
  assert.equal(line?.level, "error");
  assert.match(String(line?.properties["stack"]), /routines\.ts/);
});
