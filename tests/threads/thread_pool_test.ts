import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ConfigurationError,
  DeadlineExceeded,
  InvalidPayload,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import {
  type CallContext,
  decodePayload,
  type EncodedPayload,
  encodePayload,
} from "../../src/routine/mod.ts";
import { createThreadPool, type ThreadPool } from "../../src/worker/threads/thread_pool.ts";
import { Computing } from "./computing.ts";

const modules = [new URL("./routines.ts", import.meta.url)];

Deno.test("ThreadPool.call() gives back exactly the values that a payload can hold", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const value = {
    bytes: new Uint8Array([1, 2, 3]),
    date: new Date(0),
    map: new Map([["a", 1n]]),
    set: new Set([undefined, -0]),
  };
  assert.deepEqual(await call(pool, "thread.echo", [value]), value);
  assert.ok(Object.is(await call(pool, "thread.echo", [-0]), -0));
});

Deno.test("ThreadPool.call() answers in the form of the question", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const result = await pool.call("thread.add", { form: "json", text: "[1,2]" }, context());
  assert.deepEqual(result, { form: "json", text: "3" });
});

Deno.test("ThreadPool.call() takes only the part of a buffer that is the payload", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const { bytes } = encodePayload([40, 2], "arguments") as { bytes: Uint8Array };
  const chunk = new Uint8Array(65_536);
  chunk.set(bytes, 1000);
  const args: EncodedPayload = { form: "cbor", bytes: chunk.subarray(1000, 1000 + bytes.length) };
  assert.equal(decodePayload(await pool.call("thread.add", args, context()), "result"), 42);
  assert.equal(chunk[1000], bytes[0], "the caller's buffer is still its own");
});

Deno.test("ThreadPool.call() reports what the routine threw, with name, cause and data", async () => {
  await using pool = await createThreadPool({
    modules,
    threads: 1,
    invoke: { sendStack: true, sendErrorData: true },
  });
  const error = await rejection(call(pool, "thread.fail", []));
  assert.ok(error instanceof RoutineError);
  assert.equal(error.routine, "thread.fail");
  assert.equal(error.remoteName, "RangeError");
  assert.equal(error.message, "too large");
  assert.deepEqual(error.data, { limit: 7 });
  assert.equal((error.cause as Error).message, "the limit");
  assert.match(error.remoteStack ?? "", /routines\.ts/);
});

Deno.test("ThreadPool.call() refuses what it cannot run or send, and goes on", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  assert.ok(await rejection(call(pool, "thread.ad", [])) instanceof UnknownRoutine);
  const torn = pool.call("thread.add", { form: "json", text: "[1," }, context());
  assert.ok(await rejection(torn) instanceof InvalidPayload);
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
});

Deno.test("ThreadPool.call() shows the call's context inside of the thread", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const seen = await call(pool, "thread.who", [], {
    id: "call-7",
    parentId: "call-3",
    peer: { ...PEER, identity: "spiffe://a/caller" },
    claims: { sub: "ada" },
    deadline: 1234,
    tags: ["gpu"],
  });
  assert.deepEqual(seen, {
    id: "call-7",
    parentId: "call-3",
    workerId: "worker",
    identity: "spiffe://a/caller",
    subject: "ada",
    deadline: 1234,
    tags: ["gpu"],
    aborted: false,
  });
});

Deno.test("ThreadPool.call() lets a routine call others through its call's dispatcher", async () => {
  await using pool = await createThreadPool({ modules, threads: 2 });
  const dispatcher = dispatcherOn(pool);
  assert.deepEqual(await call(pool, "thread.through", [41], { dispatcher }), {
    sum: 42,
    items: [1, 2, 3, 11, 13],
  });
});

Deno.test("ThreadPool.stream() makes each item when it is asked for", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const items = stream(pool, "thread.endless", []);
  await items.next();
  await items.next();
  // The thread is free while its reader takes its time.
  assert.deepEqual(await call(pool, "thread.endless-state", []), { made: 2, left: "" });
  await items.return(undefined);
});

Deno.test("ThreadPool.stream() runs the generator's finally, in its call, when left", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  for await (const item of stream(pool, "thread.endless", [], { id: "left-here" })) {
    if (item === 3) break;
  }
  const { left } = await call(pool, "thread.endless-state", []) as { left: string };
  assert.equal(left, "left-here");
});

Deno.test("ThreadPool.stream() starts nothing before the first item is asked for", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  stream(pool, "thread.endless", []);
  assert.equal(pool.state.running + pool.state.waiting, 0);
});

Deno.test("ThreadPool.duplex() feeds the routine what the caller sends", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const sums = pool.duplex("thread.running-sum", input([1, 2, 3]), args([10]), context());
  assert.deepEqual((await Array.fromAsync(sums)).map((sum) => decodePayload(sum, "item")), [
    11,
    13,
    16,
  ]);
});

Deno.test("ThreadPool.duplex() fails with what the caller's stream failed with", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const lost = new Error("the caller is gone");
  const failing = async function* (): AsyncGenerator<EncodedPayload> {
    yield encodePayload(1, "input");
    throw lost;
  };
  const sums = pool.duplex("thread.running-sum", failing(), args([0]), context());
  await sums.next();
  assert.equal(await rejection(sums.next()), lost);
});

Deno.test("ThreadPool keeps the worker's own thread free while a routine computes", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const over = join(await Deno.makeTempDir(), "over");
  const spun = call(pool, "thread.spin-until", [over]);
  // The file is there only once this thread has had a turn.
  await Deno.writeTextFile(over, "");
  assert.equal(await spun, "spun");
});

Deno.test("ThreadPool starts another thread for a call that finds none free", async () => {
  using computing = new Computing();
  await using pool = await createThreadPool({ modules, threads: 2 });
  const cancel = new AbortController();
  const spun = rejection(
    call(pool, "thread.spin-until", [computing.path], { signal: cancel.signal }),
  );
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
  assert.equal(pool.state.threads, 2);
  cancel.abort();
  await spun;
});

Deno.test("ThreadPool rejects a cancelled call at once, though the routine computes on", async () => {
  using computing = new Computing();
  await using pool = await createThreadPool({ modules, threads: 1, graceMs: 60_000 });
  const cancel = new AbortController();
  const spun = rejection(
    call(pool, "thread.spin-until", [computing.path], { signal: cancel.signal }),
  );
  setTimeout(() => cancel.abort(new DeadlineExceeded(20)), 20);
  assert.ok(await spun instanceof DeadlineExceeded);
});

Deno.test("ThreadPool passes a cancellation on to the routine's signal", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const cancel = new AbortController();
  const heeding = rejection(call(pool, "thread.heeding", [], { signal: cancel.signal }));
  const reason = new DOMException("enough", "AbortError");
  cancel.abort(reason);
  assert.equal(await heeding, reason);
  assert.deepEqual(await call(pool, "thread.heeded-reasons", []), ["AbortError"]);
  assert.equal(pool.state.replaced, 0);
});

Deno.test("ThreadPool replaces a thread that ignores its signal past the grace", async () => {
  using computing = new Computing();
  await using pool = await createThreadPool({ modules, threads: 1, graceMs: 50 });
  const cancel = new AbortController();
  const spun = rejection(
    call(pool, "thread.spin-until", [computing.path], { signal: cancel.signal }),
  );
  cancel.abort();
  await spun;
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
  assert.equal(pool.state.replaced, 1);
});

Deno.test("ThreadPool reports the calls of a thread that ends, and starts another", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const error = await rejection(call(pool, "thread.crash", []));
  assert.ok(error instanceof WorkerUnavailable);
  assert.equal(error.notBegun, false);
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
});

Deno.test("ThreadPool does not let a routine end its thread", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  assert.ok(await rejection(call(pool, "thread.exit", [])) instanceof RoutineError);
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
});

Deno.test("ThreadPool is not disturbed by code that posts and listens as in a Web Worker of its own", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  await call(pool, "thread.posts", []);
  assert.equal(await call(pool, "thread.add", [1, 2]), 3);
  assert.equal(pool.state.replaced, 0);
});

Deno.test("ThreadPool forgets a call whose caller left while it waited for a thread", async () => {
  await using pool = await createThreadPool({ modules, threads: 1 });
  const spun = call(pool, "thread.spin", [200]);
  const cancel = new AbortController();
  const waiting = rejection(call(pool, "thread.add", [1, 2], { signal: cancel.signal }));
  cancel.abort();
  await waiting;
  assert.equal(pool.state.waiting, 0);
  assert.equal(await spun, "spun");
});

Deno.test("createThreadPool() says which module a thread cannot load", async () => {
  const missing = [new URL("./no_such_module.ts", import.meta.url)];
  const error = await rejection(createThreadPool({ modules: missing, threads: 1 }));
  assert.ok(error instanceof ConfigurationError);
  assert.match(error.message, /no_such_module/);
});

Deno.test("createThreadPool() refuses a module that starts a worker while it loads", async () => {
  const looping = [new URL("./opens_pool_while_loading.ts", import.meta.url)];
  const error = await rejection(createThreadPool({ modules: looping, threads: 1 }));
  assert.ok(error instanceof ConfigurationError);
  assert.match(error.message, /import\.meta\.main/);
});

const PEER = { names: [], address: "memory:test", security: "memory" } as const;

function context(given: Partial<CallContext> = {}): CallContext {
  return {
    id: "call",
    workerId: "worker",
    peer: PEER,
    signal: new AbortController().signal,
    tags: [],
    ambient: {},
    dispatcher: undefined as never,
    ...given,
  };
}

function args(list: readonly unknown[]): EncodedPayload {
  return encodePayload(list, "arguments");
}

async function call(
  pool: ThreadPool,
  routine: string,
  list: readonly unknown[],
  given: Partial<CallContext> = {},
): Promise<unknown> {
  return decodePayload(await pool.call(routine, args(list), context(given)), "result");
}

async function* stream(
  pool: ThreadPool,
  routine: string,
  list: readonly unknown[],
  given: Partial<CallContext> = {},
): AsyncGenerator<unknown, void, undefined> {
  for await (const item of pool.stream(routine, args(list), context(given))) {
    yield decodePayload(item, "item");
  }
}

async function* input(items: readonly unknown[]): AsyncGenerator<EncodedPayload> {
  for (const item of items) yield encodePayload(item, "input");
}

/** A dispatcher that calls back into the pool. */
function dispatcherOn(pool: ThreadPool): CallContext["dispatcher"] {
  return {
    call: ({ name }: { name: string }, list: unknown[]) => call(pool, name, list),
    stream: ({ name }: { name: string }, list: unknown[]) => stream(pool, name, list),
    duplex: async function* (
      { name }: { name: string },
      items: AsyncIterable<unknown>,
      list: unknown[],
    ) {
      const sent = async function* () {
        for await (const item of items) yield encodePayload(item, "input");
      };
      for await (const item of pool.duplex(name, sent(), args(list), context())) {
        yield decodePayload(item, "item");
      }
    },
  } as unknown as CallContext["dispatcher"];
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was fulfilled");
}
