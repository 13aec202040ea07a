import assert from "node:assert/strict";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import type { Dispatcher } from "../../src/dispatch/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { echoFailure, echoService, emptyRecord, throughPlainPath } from "../support/echo.ts";
import { EchoRequestSchema, EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const PATHS: Readonly<Record<string, (dispatcher: Dispatcher) => Transport>> = {
  "fast path": ({ transport }) => transport,
  "interceptors": (dispatcher) => dispatcher.transportFor({ interceptors: [throughPlainPath] }),
  "plain path": (dispatcher) => dispatcher.transportFor({ compression: "gzip" }),
};

type Services = NonNullable<NonNullable<Parameters<typeof startWorker>[1]>["services"]>;

async function open(services: Services) {
  const trust = new Trust();
  await using stack = new AsyncDisposableStack();
  const worker: WorkerServer = stack.use(await startWorker(trust, { services }));
  const dispatcher = stack.use(await openDispatcher(trust, worker.address));
  const all = stack.move();
  return { dispatcher, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Inputs that fail at once; a rejection that nobody handles, or an error in an event, fails the test. */
const BROKEN: Readonly<Record<string, AsyncIterable<{ text: string }>>> = {
  "iterator cannot be made": { [Symbol.asyncIterator]: fail },
  "next() throws": { [Symbol.asyncIterator]: () => ({ next: fail }) },
  "next() and what closes it throw": {
    [Symbol.asyncIterator]: () => ({ next: fail, return: fail, throw: fail }),
  },
};

function fail(): never {
  throw new Error("of the input");
}

for (const [path, transportOf] of Object.entries(PATHS)) {
  Deno.test(`${path}: a service's stream has headers, messages and trailers`, async () => {
    await using bench = await open((router) => router.service(EchoService, echoService()));
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    const said: (string | null)[] = [];
    const messages = echo.repeat({ count: 3 }, {
      headers: { "x-say": "aye" },
      onHeader: (header) => void said.push(header.get("x-said")),
      onTrailer: (trailer) => void said.push(trailer.get("x-said-last")),
    });
    for await (const { index } of messages) said.push(String(index));
    assert.deepEqual(said, ["aye", "0", "1", "2", "aye"]);
  });

  Deno.test(`${path}: an error in the midst of a service's stream has its details and metadata`, async () => {
    await using bench = await open((router) => router.service(EchoService, echoService()));
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    const read: number[] = [];
    const error = await (async () => {
      for await (const { index } of echo.repeat({ count: 2, text: "fail" })) read.push(index);
    })().catch((error) => error);
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      [read, error.code, error.rawMessage, error.metadata.get("x-failure")],
      [[0, 1], Code.FailedPrecondition, echoFailure().rawMessage, "yes"],
    );
    const details = error.findDetails(EchoRequestSchema);
    assert.deepEqual(details.map(({ text, count }) => [text, count]), [["a detail", 7]]);
  });

  Deno.test(`${path}: a service that fails with undefined has failed for its caller`, async () => {
    await using bench = await open((router) =>
      router.service(EchoService, {
        echo: () => Promise.reject(),
        collect: () => Promise.reject(),
        async *repeat() {
          yield {};
          throw undefined;
        },
        async *converse() {
          yield {};
          await Promise.reject();
        },
      })
    );
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    async function* one() {
      yield {};
    }
    for (
      const call of [
        () => echo.echo({}),
        () => echo.collect(one()),
        () => Array.fromAsync(echo.repeat({})),
        () => Array.fromAsync(echo.converse(one())),
      ]
    ) await assert.rejects(call, (error: ConnectError) => error.code === Code.Internal);
  });

  Deno.test(`${path}: a caller that leaves a service's stream ends it at the worker`, async () => {
    const record = emptyRecord();
    const aborted = Promise.withResolvers<unknown>();
    record.aborted.push = (reason) => {
      aborted.resolve(reason);
      return 1;
    };
    await using bench = await open((router) => router.service(EchoService, echoService(record)));
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    for await (const { index } of echo.repeat({ count: 1, text: "hang" })) {
      assert.equal(index, 0);
      break;
    }
    assert.equal((await aborted.promise as ConnectError).code, Code.Canceled);
    await record.finished.until((finished) => finished === 1);
  });

  Deno.test(`${path}: a service that does not read stops its caller's messages`, async () => {
    const total = 2_000;
    const go = Promise.withResolvers<void>();
    await using bench = await open((router) =>
      router.service(EchoService, {
        echo: () => ({}),
        collect: async (requests) => {
          await go.promise;
          let count = 0;
          for await (const _ of requests) count++;
          return { text: String(count) };
        },
      })
    );
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    let read = 0;
    async function* requests() {
      const data = crypto.getRandomValues(new Uint8Array(16 * 1024));
      for (; read < total; read++) yield { data };
    }
    const collected = echo.collect(requests());
    // None was read while another call was made: the stream takes no more.
    for (let before = -1; read === 0 || read > before;) {
      before = read;
      await echo.echo({});
    }
    assert.ok(read < total, "all was read");
    go.resolve();
    assert.equal((await collected).text, String(total));
  });

  Deno.test(`${path}: a service that answers at once closes what its caller still sends`, async () => {
    await using bench = await open((router) =>
      router.service(EchoService, { collect: () => Promise.resolve({ text: "enough" }) })
    );
    const closed = Promise.withResolvers<void>();
    const waiting = {
      next: () => new Promise<never>(() => {}),
      return: () => {
        closed.resolve();
        return Promise.resolve({ done: true as const, value: undefined });
      },
      [Symbol.asyncIterator]: () => waiting,
    };
    const echo = createClient(EchoService, transportOf(bench.dispatcher));
    assert.equal((await echo.collect(waiting)).text, "enough");
    await closed.promise;
  });

  for (const [how, input] of Object.entries(BROKEN)) {
    Deno.test(`${path}: an input whose ${how} fails its call alone`, async () => {
      await using bench = await open((router) => router.service(EchoService, echoService()));
      const echo = createClient(EchoService, transportOf(bench.dispatcher));
      for (
        const call of [
          () => echo.collect(input),
          () => Array.fromAsync(echo.converse(input)),
        ]
      ) await assert.rejects(call, { code: Code.Aborted, rawMessage: "of the input" });
      assert.equal((await echo.echo({ text: "on" })).text, "on");
    });
  }
}
