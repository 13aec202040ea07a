import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { RoutineError } from "../../src/errors/mod.ts";
import { ItemSchema, WorkerService } from "../../src/gen/mod.ts";
import {
  currentCall,
  decodeItem,
  decodePayload,
  encodePayload,
  payloadMessage,
} from "../../src/routine/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { Trust } from "./trust.ts";
import { Tally } from "../support/tally.ts";

const LARGE_BYTES = 1_000_000;

/** The ids of calls whose `finally` has run. */
const finished: string[] = [];
const finishes = new Tally();

const own = {
  mirror: duplexRoutine("streams.mirror", async function* (input: AsyncIterable<Uint8Array>) {
    try {
      for await (const bytes of input) yield bytes.toReversed();
    } finally {
      finished.push(currentCall().id);
      finishes.add(1);
    }
  }),
  fails: routine("streams.fails", async function* (count: number) {
    for (let n = 0; n < count; n++) yield n;
    throw new Error("no more");
  }),
  reading: duplexRoutine("streams.reading", async function* (input: AsyncIterable<number>) {
    try {
      for await (const _ of input) reading.begun.resolve();
      reading.ended.resolve("complete");
      yield "complete";
    } catch (error) {
      reading.ended.resolve((error as Error).name);
      throw error;
    }
  }),
  surroundings: duplexRoutine(
    "streams.surroundings",
    async function* (input: AsyncIterable<Uint8Array>) {
      for await (const { buffer } of input) yield [...new Uint8Array(buffer)];
    },
  ),
  sizes: routine("streams.sizes", async function* (sizes: readonly number[]) {
    for (const size of sizes) yield new Uint8Array(size).fill(size);
  }),
};

/** How the input of `reading` ended; it has begun with its first item. */
let reading = { begun: Promise.withResolvers<void>(), ended: Promise.withResolvers<string>() };

async function pair() {
  const trust = new Trust();
  const worker = await startWorker(trust, { routines: { ...routines, ...own } });
  const dispatcher = await openDispatcher(trust, worker.address);
  return {
    dispatcher,
    async [Symbol.asyncDispose](): Promise<void> {
      await dispatcher[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

Deno.test("items of any size arrive whole and in order", async () => {
  await using open = await pair();
  const sizes = [0, 1, 1023, 1024, 16_379, 16_384, 65_536, 3, LARGE_BYTES, 2, LARGE_BYTES];
  const items = await Array.fromAsync(open.dispatcher.stream(own.sizes, [sizes]));
  assert.deepEqual(items, sizes.map((size) => new Uint8Array(size).fill(size)));
});

Deno.test("an item's buffer holds no bytes of another stream, at either end", async () => {
  await using open = await pair();
  const marks = [0xa1, 0xb2, 0xc3];
  await Promise.all(marks.map(async (mark) => {
    const items = Array.from({ length: 300 }, () => new Uint8Array(32).fill(mark));
    const others = marks.filter((other) => other !== mark);
    const holdsOther = (bytes: Iterable<number>) =>
      [...bytes].some((byte) => others.includes(byte));
    const { dispatcher } = open;
    for await (const bytes of dispatcher.duplex(own.surroundings, items, [])) {
      assert.equal(holdsOther(bytes), false);
    }
    const mirrored = await Array.fromAsync(dispatcher.duplex(own.mirror, items, []));
    for (const { buffer } of mirrored) assert.equal(holdsOther(new Uint8Array(buffer)), false);
    assert.deepEqual(mirrored, items);
  }));
});

Deno.test("items whose buffer is transferred take no others with them", async () => {
  await using open = await pair();
  const sizes = Array.from({ length: 300 }, () => 32);
  const kept: Uint8Array[] = [];
  for await (const item of open.dispatcher.stream(own.sizes, [sizes])) {
    try {
      kept.push(structuredClone(item, { transfer: [item.buffer as ArrayBuffer] }));
    } catch {
      kept.push(item);
    }
  }
  assert.deepEqual(kept, sizes.map((size) => new Uint8Array(size).fill(size)));
});

Deno.test("an abort ends reading at once, whatever has arrived", async () => {
  await using open = await pair();
  const controller = new AbortController();
  const { signal } = controller;
  const sizes = Array.from({ length: 200 }, () => 32);
  const items = open.dispatcher.stream(own.sizes, [sizes], { signal });
  for (let n = 0; n < 10; n++) assert.equal((await items.next()).done, false);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(items.next(), (error) => error === reason);
  assert.equal((await items.next()).done, true);
});

Deno.test("what a routine throws comes behind the items that it gave before", async () => {
  await using open = await pair();
  const received: number[] = [];
  await assert.rejects(async () => {
    for await (const n of open.dispatcher.stream(own.fails, [100])) received.push(n);
  }, (error) => error instanceof RoutineError && error.message.includes("no more"));
  assert.deepEqual(received, Array.from({ length: 100 }, (_, n) => n));
});

Deno.test("large items go both ways at once", async () => {
  await using open = await pair();
  function* large() {
    for (let n = 0; n < 40; n++) yield new Uint8Array(LARGE_BYTES).fill(n, 1);
  }
  let n = 0;
  for await (const item of open.dispatcher.duplex(own.mirror, large(), [])) {
    assert.deepEqual([item.length, item.at(0), item.at(-1)], [LARGE_BYTES, n, 0]);
    n++;
  }
  assert.equal(n, 40);
});

Deno.test("a source that fails in the middle ends the routine, in its own call", async () => {
  await using open = await pair();
  const begun = Promise.withResolvers<void>();
  async function* failing() {
    for (let n = 0; n < 5; n++) yield new Uint8Array(n);
    await begun.promise;
    throw new RangeError("no more");
  }
  const before = finishes.value;
  const items = open.dispatcher.duplex(own.mirror, failing(), []);
  await items.next();
  begun.resolve();
  await assert.rejects(Array.fromAsync(items), new RangeError("no more"));
  await finishes.until((count) => count > before);
  assert.notEqual(finished.at(-1), "");
});

Deno.test("a Connect client of Duplex is sent what a dispatcher's own calls are", async () => {
  await using open = await pair();
  const client = createClient(WorkerService, open.dispatcher.transport);
  const call = {
    routine: "math.tally",
    arguments: payloadMessage(encodePayload([10], "arguments")),
    ahead: 4,
  };
  async function* requests() {
    yield { message: { case: "call" as const, value: call } };
    for (const n of [1, 2, 3]) {
      const value = payloadMessage(encodePayload(n, "input"));
      yield { message: { case: "value" as const, value } };
    }
    yield { message: { case: "end" as const, value: true } };
  }
  const items = (await Array.fromAsync(client.duplex(requests())))
    .map((item) => decodeItem(toBinary(ItemSchema, item)));
  const values = items.flatMap((item) =>
    item.kind === "value" ? [decodePayload(item.payload, "item")] : []
  );
  const numbers = open.dispatcher.duplex(routines.tally, [1, 2, 3], [10]);
  assert.deepEqual(values, await Array.fromAsync(numbers));
  assert(items.some(({ kind }) => kind === "credit"));
});

Deno.test("two hundred streams whose readers pause keep no call and no other stream waiting", async () => {
  await using open = await pair();
  const sizes = Array.from({ length: 30 }, () => 65_536);
  const paused = Array.from(
    { length: 200 },
    () => open.dispatcher.stream(own.sizes, [sizes])[Symbol.asyncIterator](),
  );
  for (const stream of paused) assert.equal((await stream.next()).value?.length, 65_536);
  for (let n = 0; n < 20; n++) {
    assert.equal(await open.dispatcher.call(routines.add, [n, 1]), n + 1);
  }
  const others = await Array.fromAsync(open.dispatcher.stream(own.sizes, [sizes]));
  assert.equal(others.length, sizes.length);
  // What was paused goes on where it was.
  const [first] = paused;
  for (let n = 1; n < sizes.length; n++) assert.equal((await first!.next()).value?.length, 65_536);
  assert.equal((await first!.next()).done, true);
  await Promise.all(paused.map((stream) => stream.return?.(undefined)));
});

Deno.test("what many routines have not read stays within the memory of a peer, and all of it arrives", async () => {
  const MANY = 8;
  const ITEMS = 100;
  const opened = Promise.withResolvers<void>();
  const patient = duplexRoutine(
    "streams.patient",
    async function* (input: AsyncIterable<Uint8Array>) {
      await opened.promise;
      let count = 0;
      for await (const bytes of input) count += bytes.length / (64 * 1024);
      yield count;
    },
  );
  const trust = new Trust();
  await using worker = await startWorker(trust, {
    routines: { ...routines, patient },
    limits: { heldBytes: 16 * 1024 * 1024 },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  let asked = 0;
  const counts = Array.from({ length: MANY }, async () => {
    const source = function* () {
      for (let item = 0; item < ITEMS; item++) {
        asked++;
        yield new Uint8Array(64 * 1024);
      }
    };
    return (await Array.fromAsync(dispatcher.duplex(patient, source(), [], { ahead: 1_000 })))[0];
  });
  // Meanwhile others are served, whose answers come after what went before them.
  for (let call = 0; call < 100; call++) await dispatcher.call(routines.add, [call, 1]);
  const askedUnread = asked;
  opened.resolve();
  assert.deepEqual(await Promise.all(counts), Array(MANY).fill(ITEMS));
  // All 800 where each could keep 8 MiB; half of what may be held is 128, the rest windows and what the caller has queued.
  assert(askedUnread < MANY * ITEMS / 2, `${askedUnread} items were asked for`);
});

async function* unending() {
  yield 1;
  await new Promise(() => {});
}

Deno.test("a routine does not take an input that was cut off for all of it", async () => {
  for (const how of ["the caller cancels", "the deadline passes", "the connection ends"]) {
    await using on = await pair();
    const cancel = new AbortController();
    let error: unknown;
    let timeoutMs = how === "the deadline passes" ? 100 : 0;
    // Where the deadline falls before the routine, a longer one is taken.
    for (let isBegun = false; !isBegun; timeoutMs *= 2) {
      reading = { begun: Promise.withResolvers(), ended: Promise.withResolvers() };
      const options = { signal: cancel.signal, ...(timeoutMs === 0 ? {} : { timeoutMs }) };
      const items = on.dispatcher.duplex(own.reading, unending(), [], options);
      const call = Array.fromAsync(items).catch((thrown) => error = thrown);
      const begun = reading.begun.promise.then(() => true);
      isBegun = await Promise.race([begun, call.then(() => false)]);
      if (how === "the caller cancels") cancel.abort();
      else if (how === "the connection ends") await on.dispatcher[Symbol.asyncDispose]();
      await call;
    }
    assert.ok(error instanceof Error, how);
    assert.equal(await reading.ended.promise, "AbortError", how);
  }
});
