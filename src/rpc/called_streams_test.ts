import assert from "node:assert/strict";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import {
  echoFailure,
  echoService,
  emptyRecord,
  throughPlainPath,
} from "../../tests/support/echo.ts";
import {
  EchoRequestSchema,
  EchoResponseSchema,
  EchoService,
} from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped } from "../../tests/support/raw_call.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import {
  ErrorCode,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type Stream,
} from "../http2/mod.ts";
import { createTransport } from "./mod.ts";

const { repeat, collect, converse } = EchoService.method;
const PATHS = ["fast path", "plain path"] as const;
type CallPath = typeof PATHS[number];

function open(path: CallPath) {
  const record = emptyRecord();
  const pair = rpcPair((router) => router.service(EchoService, echoService(record)));
  const ended = Promise.withResolvers<void>();
  const transport = createTransport({
    connection: pair.client,
    interceptors: path === "fast path" ? [] : [throughPlainPath],
    acceptCompression: [],
    ended: () => ended.resolve(),
  });
  return {
    pair,
    record,
    transport,
    ended: ended.promise,
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** Requests that wait where there is no more of them, and what becomes of those who give them. */
class Requests {
  read = 0;
  thrown: unknown;
  readonly closed = Promise.withResolvers<void>();
  readonly #texts: readonly string[];

  constructor(...texts: readonly string[]) {
    this.#texts = texts;
  }

  [Symbol.asyncIterator](): AsyncIterator<{ text: string }> {
    return {
      next: () => {
        const text = this.#texts[this.read++];
        return text === undefined
          ? new Promise(() => {})
          : Promise.resolve({ done: false, value: { text } });
      },
      throw: (error) => {
        this.thrown = error;
        return Promise.reject(error);
      },
      return: () => {
        this.closed.resolve();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

async function* one(request: MessageInitShape<typeof EchoRequestSchema>) {
  yield request;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(() => assert.fail("it did not fail"), (error) => error);
  assert(error instanceof ConnectError, String(error));
  return error;
}

for (const path of PATHS) {
  Deno.test(`${path}: a stream has the header and, once it was read, the trailer of its response`, async () => {
    await using bench = open(path);
    const header = { "x-say": "aye" };
    const response = await bench.transport
      .stream(repeat, undefined, undefined, header, one({ count: 2 }), createContextValues());
    assert.deepEqual(
      [response.stream, response.service, response.method],
      [true, EchoService, repeat],
    );
    assert.deepEqual([...response.header], [
      ["content-type", "application/connect+proto"],
      ["x-said", "aye"],
    ]);
    assert.deepEqual([...response.trailer], []);
    const messages = await Array.fromAsync(response.message);
    assert.deepEqual(messages.map(({ index }) => index), [0, 1]);
    assert.deepEqual([...response.trailer], [["x-said-last", "aye"]]);
    await bench.ended;
  });

  Deno.test(`${path}: readers that ask at once are answered in order, and after the end that it is`, async () => {
    await using bench = open(path);
    const { message } = await bench.transport
      .stream(repeat, undefined, undefined, undefined, one({ count: 3 }));
    const reader = message[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 5 }, () => reader.next()));
    assert.deepEqual(results.map(({ value }) => value?.index), [0, 1, 2, undefined, undefined]);
    assert.deepEqual(await reader.next(), { done: true, value: undefined });
  });

  Deno.test(`${path}: an error after messages has details and metadata, and is thrown again`, async () => {
    await using bench = open(path);
    const header = { "x-say": "aye" };
    const { message, trailer } = await bench.transport
      .stream(repeat, undefined, undefined, header, one({ count: 1, text: "fail" }));
    const reader = message[Symbol.asyncIterator]();
    assert.equal((await reader.next()).done, false);
    const error = await failure(reader.next());
    assert.deepEqual([error.code, error.rawMessage], [
      Code.FailedPrecondition,
      echoFailure().rawMessage,
    ]);
    assert.equal(error.findDetails(EchoRequestSchema)[0]?.count, 7);
    assert.deepEqual([...error.metadata], [
      ["content-type", "application/connect+proto"],
      ["x-failure", "yes"],
      ["x-failure-bin", "AAEC"],
      ["x-said", "aye"],
      ["x-said-last", "aye"],
    ]);
    assert.deepEqual([...trailer], []);
    assert.equal(await failure(reader.next()), error);
  });

  Deno.test(`${path}: a response that ends before its requests closes them`, async () => {
    await using bench = open(path);
    const requests = new Requests("a", "enough");
    const { message } = await bench.transport
      .stream(converse, undefined, undefined, undefined, requests);
    assert.equal((await Array.fromAsync(message)).length, 2);
    await requests.closed.promise;
    assert.equal(requests.thrown, undefined);
    await bench.pair.idle();
  });

  Deno.test(`${path}: an aborted stream fails with the reason, and its requests are thrown it`, async () => {
    await using bench = open(path);
    const controller = new AbortController();
    const requests = new Requests("a");
    const { message } = await bench.transport
      .stream(converse, controller.signal, undefined, undefined, requests);
    const reader = message[Symbol.asyncIterator]();
    await reader.next();
    const next = failure(reader.next());
    const reason = new Error("enough of it");
    controller.abort(reason);
    const error = await next;
    assert.deepEqual([error.code, error.rawMessage, error.cause], [
      Code.Canceled,
      "enough of it",
      reason,
    ]);
    await requests.closed.promise;
    assert.equal((requests.thrown as ConnectError).cause, reason);
    await bench.pair.idle();
  });

  Deno.test(`${path}: a stream whose time is over fails, and its requests are thrown that`, async () => {
    await using bench = open(path);
    const requests = new Requests();
    const error = await failure(
      bench.transport.stream(collect, undefined, 50, undefined, requests)
        .then(({ message }) => Array.fromAsync(message)),
    );
    assert.deepEqual([error.code, error.rawMessage], [
      Code.DeadlineExceeded,
      "the operation timed out",
    ]);
    await requests.closed.promise;
    assert.equal((requests.thrown as ConnectError).code, Code.DeadlineExceeded);
  });

  Deno.test(`${path}: requests end with whatever is true of their iterator's done`, async () => {
    await using bench = open(path);
    let asked = 0;
    const next = () => {
      const isOver = asked++ > 0;
      return Promise.resolve({ done: isOver ? 1 : 0, value: isOver ? undefined : { text: "a" } });
    };
    const iterator = { next, throw: (error: unknown) => Promise.reject(error) };
    const requests = { [Symbol.asyncIterator]: () => iterator } as unknown as Requests;
    const { message } = await bench.transport
      .stream(converse, undefined, 5_000, undefined, requests);
    assert.deepEqual(await Array.fromAsync(message, ({ text }) => text), ["a"]);
  });

  Deno.test(`${path}: what requests throw is what their reader gets, and cancels the call`, async () => {
    await using bench = open(path);
    async function* requests() {
      yield { text: "a" };
      throw new TypeError("no more");
    }
    const call = bench.transport.stream(converse, undefined, undefined, undefined, requests());
    const error = await failure(call.then(({ message }) => Array.fromAsync(message)));
    assert.deepEqual([error.code, error.rawMessage], [Code.Aborted, "no more"]);
    assert(error.cause instanceof TypeError);
    await bench.pair.idle();
  });

  Deno.test(`${path}: a request that cannot be written fails the call, and closes its source`, async () => {
    await using bench = open(path);
    const closed = Promise.withResolvers<void>();
    async function* requests() {
      try {
        yield { count: -1 };
        assert.fail("it was asked for another");
      } finally {
        closed.resolve();
      }
    }
    const call = bench.transport.stream(collect, undefined, undefined, undefined, requests());
    const error = await failure(call.then(({ message }) => Array.fromAsync(message)));
    assert.equal(error.code, Code.Internal);
    assert.match(error.rawMessage, /^serialize binary: .*EchoRequest\.count/);
    await closed.promise;
    await bench.pair.idle();
  });

  Deno.test(`${path}: a stream begins with the header section of its response, not with its first message`, async () => {
    const [left, right] = memoryChannelPair();
    const opened = Promise.withResolvers<Stream>();
    const server = openServerConnection(right, {
      onRequest: (stream) => {
        opened.resolve(stream);
        return { data: () => {}, trailers: () => {}, closed: () => {} };
      },
    });
    const connection = openClientConnection(left);
    const interceptors = path === "fast path" ? [] : [throughPlainPath];
    const call = createTransport({ connection, interceptors })
      .stream(repeat, undefined, undefined, undefined, one({}));
    const stream = await opened.promise;
    stream.sendHeaders([":status", "200", "content-type", "application/connect+proto"], false);
    const { message } = await call;
    const messages = Array.fromAsync(message);
    const bytes = toBinary(EchoResponseSchema, create(EchoResponseSchema, { text: "late" }));
    stream.sendData(enveloped(bytes), false);
    stream.sendData(enveloped(new TextEncoder().encode("{}"), 2), true);
    assert.deepEqual((await messages).map(({ text }) => text), ["late"]);
    connection.abort(ErrorCode.NO_ERROR);
    await Promise.all([connection.closed, server.closed]);
  });

  Deno.test(`${path}: a response that is no stream fails the call before it begins`, async () => {
    const bare = rpcPair(() => {});
    await using _ = bare;
    const interceptors = path === "fast path" ? [] : [throughPlainPath];
    const transport = createTransport({ connection: bare.client, interceptors });
    const error = await failure(
      transport.stream(repeat, undefined, undefined, undefined, one({ count: 1 })),
    );
    assert.deepEqual([error.code, error.rawMessage], [Code.Unimplemented, "HTTP 404"]);
  });

  Deno.test(`${path}: a reader that leaves ends the call at the server at once, and closes its requests`, async () => {
    await using bench = open(path);
    const requests = new Requests("a");
    const { message } = await bench.transport
      .stream(converse, undefined, undefined, undefined, requests);
    for await (const { text } of message) {
      assert.equal(text, "a");
      break;
    }
    await bench.pair.idle();
    await requests.closed.promise;
    assert.equal(requests.thrown, undefined);
    await bench.ended;
    assert.equal((await message[Symbol.asyncIterator]().next()).done, true);
  });

  Deno.test(`${path}: a reader that leaves while it waits is answered that it is the end`, async () => {
    await using bench = open(path);
    const { message } = await bench.transport
      .stream(converse, undefined, undefined, undefined, new Requests("a"));
    const reader = message[Symbol.asyncIterator]();
    await reader.next();
    const waiting = [reader.next(), reader.next()];
    await reader.return?.();
    const results = await Promise.all(waiting);
    assert.deepEqual(results.map(({ done }) => done), [true, true]);
    await bench.pair.idle();
  });
}

Deno.test("a stream on the fast path asks for no compression, and one that names it gets it", async () => {
  const offered: (string | undefined)[] = [];
  const record = emptyRecord();
  const pair = rpcPair((router) => router.service(EchoService, echoService(record)), {
    admit: ({ fields }) => {
      const at = fields.indexOf("connect-accept-encoding");
      offered.push(at < 0 ? undefined : fields[at + 1]);
      return { admitted: true, context: undefined, release: () => {} };
    },
  });
  await using _ = pair;
  for (const options of [{}, { acceptCompression: ["br"] as const }]) {
    const transport = createTransport({ connection: pair.client, ...options });
    const { message } = await transport
      .stream(repeat, undefined, undefined, undefined, one({ count: 1, text: "a".repeat(5_000) }));
    assert.equal((await Array.fromAsync(message))[0]?.text.length, 5_000);
  }
  assert.deepEqual(offered, [undefined, "br"]);
});
