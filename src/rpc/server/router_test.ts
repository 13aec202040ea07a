import assert from "node:assert/strict";
import { Code, createClient, createConnectRouter } from "@connectrpc/connect";
import { echoService } from "../../../tests/support/echo.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair } from "../../../tests/support/rpc_pair.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import {
  createRequestHandler,
  createRpcRouter,
  createTransport,
  type RpcProtocol,
  type RpcRouter,
} from "../mod.ts";

Deno.test("createRpcRouter refuses a method that is registered twice", () => {
  const router = createRpcRouter().service(EchoService, {});
  assert.throws(() => router.service(EchoService, {}), ConfigurationError);
  assert.throws(() => router.rpc(EchoService.method.echo, () => ({})), ConfigurationError);
});

Deno.test("createRequestHandler refuses bytes for a service that is not registered", () => {
  const unary = createRpcRouter();
  unary.unaryBytes(EchoService.method.echo, (bytes) => bytes);
  const duplex = createRpcRouter();
  duplex.streamBytes(EchoService.method.converse, (requests) => requests);
  for (const router of [unary, duplex]) {
    assert.throws(() => createRequestHandler({ router, admit }), ConfigurationError);
  }
});

Deno.test("createRequestHandler refuses a router that is not ours", () => {
  const router = createConnectRouter() as RpcRouter;
  assert.throws(() => createRequestHandler({ router, admit }), ConfigurationError);
});

Deno.test("a service's own options lift no limit and switch no protocol off", async () => {
  const pair = rpcPair((router) => {
    router.service(EchoService, echoService(), {
      readMaxBytes: 1_000_000,
      acceptCompression: [],
      ...{ grpc: false, grpcWeb: false, connect: false },
    });
  }, { limits: { messageBytes: 1000 } });
  await using _ = pair;
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    const client = clientOf(pair, protocol);
    assert.equal((await client.echo({ text: "hello" })).text, "hello");
    await assert.rejects(client.echo({ data: new Uint8Array(2000) }), {
      code: Code.ResourceExhausted,
    });
  }
});

Deno.test("a service's own options may lower a limit", async () => {
  const pair = rpcPair((router) => {
    router.service(EchoService, echoService(), { readMaxBytes: 100 });
  });
  await using _ = pair;
  await assert.rejects(clientOf(pair, "connect").echo({ data: new Uint8Array(200) }), {
    code: Code.ResourceExhausted,
  });
});

Deno.test("no more is gathered of a message than its service reads, on the fast path and the plain one", async () => {
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    const pair = rpcPair((router) => {
      router.service(EchoService, echoService(), { readMaxBytes: 100 });
    }, { gatheredBytes: 1 });
    await using _ = pair;
    const client = clientOf(pair, protocol);
    assert.equal((await client.echo({ text: "hello" })).text, "hello");
    // A budget without any room would say that it has none, had the message been gathered.
    await assert.rejects(client.echo({ data: new Uint8Array(1_000_000) }), {
      code: Code.ResourceExhausted,
      rawMessage: /larger than configured readMaxBytes 100$/,
    });
  }
});

Deno.test("a gate of a service's own comes after admission", async () => {
  let gated = 0;
  const pair = rpcPair((router) => {
    router.service(EchoService, echoService(), { requestGate: () => void gated++ });
  });
  await using _ = pair;
  await clientOf(pair, "connect").echo({});
  assert.deepEqual([pair.admitted(), gated], [1, 1]);
});

Deno.test("router.rpc serves a single method", async () => {
  const pair = rpcPair((router) => {
    router.rpc(EchoService.method.echo, ({ text }) => ({ text: text.toUpperCase() }));
  });
  await using _ = pair;
  assert.equal((await clientOf(pair, "grpc").echo({ text: "hello" })).text, "HELLO");
});

function admit() {
  return { admitted: true, context: undefined, release: () => {} } as const;
}

function clientOf(pair: ReturnType<typeof rpcPair>, protocol: RpcProtocol) {
  return createClient(
    EchoService,
    createTransport({ connection: pair.client, protocol, acceptCompression: [] }),
  );
}
