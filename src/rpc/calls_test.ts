import assert from "node:assert/strict";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type HandlerContext,
  type Transport,
} from "@connectrpc/connect";
import { echoService, emptyRecord, throughPlainPath } from "../../tests/support/echo.ts";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { type RpcPair, rpcPair, type RpcPairOptions } from "../../tests/support/rpc_pair.ts";
import { Tally } from "../../tests/support/tally.ts";
import {
  callContext,
  callUnaryBytes,
  connectionLost,
  createTransport,
  notBegun,
  prepareRequest,
  type TransportOptions,
} from "./mod.ts";

type CallPath = "fast path" | "plain path";

interface Bench extends AsyncDisposable {
  readonly pair: RpcPair;
  readonly record: ReturnType<typeof emptyRecord>;
  readonly client: Client<typeof EchoService>;
}

function open(
  path: CallPath,
  server: RpcPairOptions = {},
  client: Partial<TransportOptions> = {},
): Bench {
  const interceptors = path === "fast path" ? [] : [throughPlainPath];
  const record = emptyRecord();
  const pair = rpcPair((router) => {
    router.service(EchoService, echoService(record), interceptors[0] && { interceptors });
  }, server);
  const transport = createTransport({
    connection: pair.client,
    interceptors,
    ...client,
  });
  return {
    pair,
    record,
    client: createClient(EchoService, transport),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** Resolves when a call asked to hang has begun to. */
function hanging({ record }: Bench): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  record.hanging = resolve;
  return promise;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(() => assert.fail("it did not fail"), (error) => error);
  assert(error instanceof ConnectError, String(error));
  return error;
}

for (const path of ["fast path", "plain path"] as const) {
  Deno.test(`${path}: aborting a unary call cancels it at the server`, async () => {
    await using bench = open(path);
    const controller = new AbortController();
    const begun = hanging(bench);
    const call = failure(bench.client.echo({ text: "hang" }, { signal: controller.signal }));
    await begun;
    controller.abort();
    assert.equal((await call).code, Code.Canceled);
    await bench.pair.idle();
    assert.equal(bench.record.aborted.length, 1);
    assert.equal((bench.record.aborted[0] as ConnectError).code, Code.Canceled);
  });

  Deno.test(`${path}: a signal that has aborted sends nothing`, async () => {
    await using bench = open(path);
    const error = await failure(bench.client.echo({}, { signal: AbortSignal.abort() }));
    assert.equal(error.code, Code.Canceled);
    assert.equal(bench.pair.admitted(), 0);
  });

  Deno.test(`${path}: a deadline reaches the implementation's signal and the caller`, async () => {
    await using bench = open(path);
    // Where the deadline falls before the implementation, a longer one is taken.
    for (let timeoutMs = 100; bench.record.begun === 0; timeoutMs *= 2) {
      const error = await failure(bench.client.echo({ text: "hang" }, { timeoutMs }));
      assert.equal(error.code, Code.DeadlineExceeded);
      await bench.pair.idle();
    }
    assert.equal(bench.record.aborted.length, 1);
  });

  Deno.test(`${path}: a lost connection aborts the implementation and informs the caller`, async () => {
    const bench = open(path);
    const begun = hanging(bench);
    const call = failure(bench.client.echo({ text: "hang" }));
    await begun;
    bench.pair.lose();
    const error = await call;
    assert.equal(error.code, Code.Unavailable);
    assert.deepEqual([connectionLost(error), notBegun(error)], [true, false]);
    await bench.pair.idle();
    assert.equal(bench.record.aborted.length, 1);
  });

  Deno.test(`${path}: a connection that takes no more calls is known not to have begun one`, async () => {
    const bench = open(path);
    bench.pair.retire();
    assert(notBegun(await failure(bench.client.echo({}))));
  });

  Deno.test(`${path}: a request above the server's limit is answered as exhausted`, async () => {
    await using bench = open(path, { limits: { messageBytes: 1000 } });
    const { code } = await failure(bench.client.echo({ data: new Uint8Array(200_000) }));
    assert.equal(code, Code.ResourceExhausted);
    assert.equal(bench.record.begun, 0);
    assert.equal((await bench.client.echo({ text: "after" })).text, "after");
  });

  Deno.test(`${path}: a response above the client's limit fails as exhausted`, async () => {
    await using bench = open(path, {}, { limits: { messageBytes: 1000 }, acceptCompression: [] });
    const { code } = await failure(bench.client.echo({ data: new Uint8Array(200_000) }));
    assert.equal(code, Code.ResourceExhausted);
    assert.equal((await bench.client.echo({ text: "after" })).text, "after");
  });

  Deno.test(`${path}: a message of the limit's very size passes both ways`, async () => {
    const limits = { messageBytes: 70_000 };
    await using bench = open(path, { limits }, { limits });
    const data = new Uint8Array(70_000 - 4).map((_, at) => at);
    assert.deepEqual((await bench.client.echo({ data })).data, data);
    await assert.rejects(bench.client.echo({ data: new Uint8Array(70_000 - 3) }), {
      code: Code.ResourceExhausted,
    });
  });

  Deno.test(`${path}: a call that is not admitted never begins, and says why`, async () => {
    const refusal = new ConnectError("not today", Code.PermissionDenied, { "x-rule": "seven" });
    for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
      await using bench = open(
        path,
        { admit: () => ({ admitted: false, error: refusal }) },
        { protocol },
      );
      const error = await failure(bench.client.echo({ data: new Uint8Array(100_000) }));
      assert.equal(error.code, Code.PermissionDenied);
      assert.equal(error.rawMessage, "not today");
      assert.equal(error.metadata.get("x-rule"), "seven");
      assert.equal(bench.record.begun, 0);
    }
  });

  Deno.test(`${path}: admission may take its time`, async () => {
    const decision = Promise.withResolvers<void>();
    await using bench = open(path, {
      admit: async () => {
        await decision.promise;
        return { admitted: true, context: undefined, release: () => {} };
      },
    });
    const call = bench.client.echo({ text: "hello", data: new Uint8Array(10_000) });
    setTimeout(decision.resolve);
    assert.equal((await call).text, "hello");
  });

  Deno.test(`${path}: an admission that throws is an internal error that says nothing`, async () => {
    await using bench = open(path, {
      admit: () => {
        throw new TypeError("the policy is broken in line 7");
      },
    });
    const error = await failure(bench.client.echo({}));
    assert.deepEqual([error.code, error.rawMessage], [Code.Internal, "internal error"]);
  });

  Deno.test(`${path}: a call is released once, however it ends`, async () => {
    const released = new Tally();
    await using bench = open(path, {
      admit: () => ({ admitted: true, context: undefined, release: () => released.add(1) }),
    });
    await bench.client.echo({});
    assert.equal(released.value, 1);
    await failure(bench.client.echo({ text: "fail" }));
    assert.equal(released.value, 2);
    await failure(bench.client.echo({ text: "throw" }));
    assert.equal(released.value, 3);
    const controller = new AbortController();
    const begun = hanging(bench);
    const call = failure(bench.client.echo({ text: "hang" }, { signal: controller.signal }));
    await begun;
    controller.abort();
    await call;
    await released.until((calls) => calls >= 4);
    assert.equal(released.value, 4);
  });

  Deno.test(`${path}: an implementation sees its call's context, metadata and time`, async () => {
    let seen: Record<string, unknown> = {};
    const pair = rpcPair((router) => {
      router.service(EchoService, {
        echo: (_, context: HandlerContext) => {
          const { timeoutMs } = context;
          seen = {
            admitted: context.values.get(callContext),
            say: context.requestHeader.get("x-say"),
            protocol: context.protocolName,
            method: context.method.name,
            service: context.service.typeName,
            requestMethod: context.requestMethod,
            path: new URL(context.url).pathname,
            inTime: (timeoutMs() ?? 0) > 0 && (timeoutMs() ?? 0) <= 9000,
            aborted: context.signal.aborted,
          };
          return {};
        },
      }, path === "fast path" ? undefined : { interceptors: [throughPlainPath] });
    });
    await using _ = pair;
    const client = createClient(EchoService, transportOf(pair));
    await client.echo({}, { headers: { "x-say": "aye" }, timeoutMs: 9000 });
    assert.deepEqual(seen, {
      admitted: "admitted",
      say: "aye",
      protocol: "connect",
      method: "Echo",
      service: "selvage.test.v1.EchoService",
      requestMethod: "POST",
      path: "/selvage.test.v1.EchoService/Echo",
      inTime: true,
      aborted: false,
    });
  });

  Deno.test(`${path}: an implementation's signal aborts when its call is over`, async () => {
    let signal: AbortSignal | undefined;
    const pair = rpcPair((router) => {
      router.service(EchoService, {
        echo: (_, context) => {
          ({ signal } = context);
          return {};
        },
      }, path === "fast path" ? undefined : { interceptors: [throughPlainPath] });
    });
    await using _ = pair;
    await createClient(EchoService, transportOf(pair)).echo({});
    assert.equal(signal?.aborted, true);
  });
}

function transportOf(pair: RpcPair, options: Partial<TransportOptions> = {}): Transport {
  return createTransport({ connection: pair.client, ...options });
}

for (const path of ["fast path", "plain path"] as const) {
  Deno.test(`${path}: a server stream is asked for no more than a slow reader takes`, async () => {
    await using bench = open(path, {}, { acceptCompression: [] });
    let read = 0, ahead = 0;
    for await (const _ of bench.client.repeat({ data: new Uint8Array(10_000), count: 1000 })) {
      read++;
      // The server has a round trip of the connection between two responses.
      await bench.pair.client.ping();
      ahead = Math.max(ahead, bench.record.repeated - read);
    }
    assert.equal(read, 1000);
    assert(ahead < 200, `the server was ${ahead} responses ahead of its reader`);
  });

  Deno.test(`${path}: a client stream is pulled no faster than the server reads`, async () => {
    const interceptors = path === "fast path" ? [] : [throughPlainPath];
    let pulled = 0, ahead = 0;
    const pair = rpcPair((router) => {
      router.service(EchoService, {
        collect: async (requests) => {
          let count = 0;
          for await (const _ of requests) {
            count++;
            // The caller has a round trip of the connection between two requests.
            await pair.server.ping();
            ahead = Math.max(ahead, pulled - count);
          }
          return { text: String(count) };
        },
      });
    });
    await using _ = pair;
    async function* requests() {
      for (; pulled < 1000; pulled++) yield { data: new Uint8Array(10_000) };
    }
    const { text } = await createClient(EchoService, transportOf(pair, { interceptors })).collect(
      requests(),
    );
    assert.equal(text, "1000");
    assert(ahead < 200, `the caller was ${ahead} requests ahead of its server`);
  });

  Deno.test(`${path}: aborting a server stream runs the generator's finally`, async () => {
    await using bench = open(path, {}, { acceptCompression: [] });
    const controller = new AbortController();
    const responses = bench.client.repeat({ data: new Uint8Array(10_000), count: 1000 }, {
      signal: controller.signal,
    });
    await assert.rejects(async () => {
      for await (const _ of responses) controller.abort();
    });
    await bench.record.finished.until((finished) => finished === 1);
    await bench.pair.idle();
    assert(bench.record.repeated < 1000);
  });

  Deno.test(`${path}: what a request iterable throws is what the caller gets`, async () => {
    await using bench = open(path);
    // deno-lint-ignore require-yield
    async function* requests(): AsyncGenerator<{ text: string }> {
      throw new ConnectError("no more", Code.OutOfRange);
    }
    await assert.rejects(bench.client.collect(requests()), { code: Code.OutOfRange });
    await bench.pair.idle();
  });

  Deno.test(`${path}: an iterable that throws at once, also when it is closed, fails its call alone`, async () => {
    await using bench = open(path);
    const fail = (): never => {
      throw new Error("at once");
    };
    const iterator = { next: fail, return: fail, throw: fail };
    for (const made of [fail, () => iterator]) {
      const call = bench.client.collect({ [Symbol.asyncIterator]: made });
      await assert.rejects(call, { code: Code.Aborted, rawMessage: "at once" });
    }
    await bench.pair.idle();
  });
}

Deno.test("a method without side effects can be called with GET", async () => {
  await using bench = open("plain path", {}, { useHttpGet: true });
  assert.equal((await bench.client.echoWithoutSideEffects({ text: "hello" })).text, "hello");
});

Deno.test("a transport's fields and authority reach the server on both paths", async () => {
  for (const path of ["fast path", "plain path"] as const) {
    let fields: readonly string[] = [];
    const bench = open(path, {
      admit: (call) => {
        fields = call.fields;
        return { admitted: true, context: undefined, release: () => {} };
      },
    });
    await using _ = bench;
    const transport = createTransport({
      interceptors: path === "fast path" ? [] : [throughPlainPath],
      connection: bench.pair.client,
      authority: "worker.example",
      fields: () => Promise.resolve(["authorization", "Bearer x"]),
    });
    await createClient(EchoService, transport).echo({});
    assert.equal(fields[fields.indexOf(":authority") + 1], "worker.example");
    assert.equal(fields[fields.indexOf("authorization") + 1], "Bearer x");
  }
});

Deno.test("callUnaryBytes carries bytes to a bytes handler and back, with the call's context", async () => {
  for (const protocol of ["connect", "grpc"] as const) {
    let call: unknown[] = [];
    const pair = rpcPair((router) => {
      router.service(EchoService, {});
      router.unaryBytes<string, string>(EchoService.method.echo, (request, seen) => {
        call = [
          seen.peer,
          seen.context,
          seen.protocol,
          seen.timeoutMs,
          seen.deadline !== undefined,
        ];
        return request.toReversed();
      });
    });
    await using _ = pair;
    const prepared = prepareRequest(EchoService.method.echo, { protocol });
    const response = await callUnaryBytes(pair.client, prepared, Uint8Array.of(1, 2, 3), {
      timeoutMs: 5000,
    });
    assert.deepEqual([...response], [3, 2, 1]);
    assert.deepEqual(call, ["a peer", "admitted", protocol, 5000, true]);
  }
});

Deno.test("a prepared request gives the same section for the same time", () => {
  const prepared = prepareRequest(EchoService.method.echo);
  assert.equal(prepared.fields(5000), prepared.fields(5000));
  assert.equal(prepared.fields(undefined), prepared.fields(undefined));
  assert.notEqual(prepared.fields(1), prepared.fields(2));
});
