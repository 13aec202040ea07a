/** Readers that leave a stream while they wait for its next item: it ends at once, and that item is none. */
import assert from "node:assert/strict";
import type { Transport } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { throughPlainPath } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

/** Resolved when the call that was left has ended at the worker. */
let ended = Promise.withResolvers<void>();

/** One item, and none after it until the call is over. */
async function* stuck<Item>(item: Item): AsyncGenerator<Item> {
  try {
    yield item;
    const { signal } = currentCall();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } finally {
    ended.resolve();
  }
}

/** An input that never comes. */
function silent(): AsyncIterable<number> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
}

const routines = {
  items: routine("leaving.items", () => stuck(1)),
  sums: duplexRoutine("leaving.sums", (_: AsyncIterable<number>) => stuck(1)),
  never: routine("leaving.never", async function* () {
    const { signal } = currentCall();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    ended.resolve();
    yield 1;
  }),
};

function open(): ReturnType<typeof inMemory> {
  ended = Promise.withResolvers();
  return inMemory({
    routines: [routines],
    services: (router) =>
      router.service(EchoService, {
        repeat: () => stuck({ text: "a" }),
        converse: () => stuck({ text: "a" }),
      }),
  });
}

/** As a transport gives them: the clients of connect-es have a generator around them, which waits. */
async function messagesOf(transport: Transport): Promise<AsyncIterable<unknown>> {
  async function* request() {
    yield {};
  }
  const { repeat } = EchoService.method;
  const response = await transport.stream(repeat, undefined, undefined, undefined, request());
  return response.message;
}

/** Leaves while two items are waited for. */
async function leaves(items: AsyncIterator<unknown>): Promise<void> {
  const asked = [items.next(), items.next()];
  const left = items.return!();
  for (const answer of [...asked, left]) {
    assert.deepEqual(await answer, { done: true, value: undefined });
  }
  assert.equal((await items.next()).done, true);
}

type Call = (dispatcher: Dispatcher) => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>;

const SERVICE_CALLERS: Readonly<Record<string, Call>> = Object.fromEntries(
  Object.entries<(dispatcher: Dispatcher) => Transport>({
    "fast path": ({ transport }) => transport,
    "interceptors": (dispatcher) => dispatcher.transportFor({ interceptors: [throughPlainPath] }),
    "gRPC": (dispatcher) => dispatcher.transportFor({ protocol: "grpc" }),
    "JSON": (dispatcher) => dispatcher.transportFor({ useBinaryFormat: false }),
  }).map(([path, transportOf]) => [
    `a service's stream (${path})`,
    (dispatcher: Dispatcher) => messagesOf(transportOf(dispatcher)),
  ]),
);

const CALLERS: Readonly<Record<string, Call>> = {
  "a routine's stream": (dispatcher) => dispatcher.stream(routines.items, []),
  "a routine's stream with a signal": (dispatcher) =>
    dispatcher.stream(routines.items, [], { signal: new AbortController().signal }),
  "a duplex routine's stream": (dispatcher) => dispatcher.duplex(routines.sums, silent(), []),
  ...SERVICE_CALLERS,
};

for (const [name, call] of Object.entries(CALLERS)) {
  Deno.test(`${name} ends at once when its reader leaves while it waits for an item`, async () => {
    await using pair = await open();
    const { dispatcher, worker } = pair;
    using events = dispatcher.events();
    const items = (await call(dispatcher))[Symbol.asyncIterator]();
    assert.equal((await items.next()).done, false);
    await leaves(items);
    await ended.promise;
    while (worker.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    await dispatcher[Symbol.asyncDispose]();
    const failed = (await Array.fromAsync(events)).filter(({ type }) => type === "call.failed");
    assert.deepEqual(failed, []);
  });
}

for (const [name, call] of Object.entries(SERVICE_CALLERS)) {
  for (const leaving of ["return", "throw"] as const) {
    Deno.test(`${name} ends when its reader leaves by ${leaving}() before it asked for an item`, async () => {
      await using pair = await open();
      const { dispatcher, worker } = pair;
      const items = (await call(dispatcher))[Symbol.asyncIterator]();
      while (worker.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
      if (leaving === "return") assert.equal((await items.return!()).done, true);
      else await assert.rejects(items.throw!(new Error("of the reader")), /of the reader/);
      while (worker.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await items.next()).done, true);
    });
  }
}

Deno.test("a routine's stream ends at once when its reader leaves before the first item", async () => {
  await using pair = await open();
  const items = pair.dispatcher.stream(routines.never, []);
  const first = items.next();
  while (pair.worker.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  const left = items.return();
  assert.deepEqual(await first, { done: true, value: undefined });
  assert.equal((await left).done, true);
  await ended.promise;
});

Deno.test("a routine's stream ends at once when its reader leaves while no worker is there", async () => {
  await using dispatcher = await Dispatcher.open({
    discovery: { source: "none", namesWorkers: false, watch: noWorkers },
  });
  await leaves(dispatcher.stream(routines.items, []));
  await leaves(dispatcher.duplex(routines.sums, silent(), []));
});

async function* noWorkers(signal: AbortSignal) {
  yield [];
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

Deno.test("what is thrown into a stream while an item is waited for ends it at once", async () => {
  await using pair = await open();
  const items = pair.dispatcher.stream(routines.items, []);
  await items.next();
  const next = items.next();
  const thrown = new Error("of the reader");
  const failed = items.throw(thrown).catch((error) => error);
  assert.equal((await next).done, true);
  assert.equal(await failed, thrown);
  await ended.promise;
});
