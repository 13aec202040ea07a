import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { throughPlainPath } from "../../tests/support/echo.ts";
import {
  EchoResponseSchema,
  EchoService,
} from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped } from "../../tests/support/raw_call.ts";
import {
  ErrorCode,
  type HeaderList,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type Stream,
} from "../http2/mod.ts";
import { createTransport, notBegun, type RpcProtocol } from "./mod.ts";

const hello = toBinary(EchoResponseSchema, create(EchoResponseSchema, { text: "hello" }));
const CONNECT: HeaderList = [":status", "200", "content-type", "application/proto"];
const STREAM: HeaderList = [":status", "200", "content-type", "application/connect+proto"];
const GRPC: HeaderList = [":status", "200", "content-type", "application/grpc+proto"];

/** A server that answers every request with what `answer` does to its stream. */
function serve(answer: (stream: Stream) => void) {
  const [left, right] = memoryChannelPair();
  const server = openServerConnection(right, {
    onRequest: (stream, _, complete) => {
      if (complete) answer(stream);
      return {
        data: (bytes, endStream) => {
          stream.release(bytes.byteLength);
          if (endStream) answer(stream);
        },
        trailers: () => {},
        closed: () => {},
      };
    },
  });
  const client = openClientConnection(left);
  return {
    client,
    async [Symbol.asyncDispose](): Promise<void> {
      client.abort(ErrorCode.NO_ERROR);
      await Promise.all([client.closed, server.closed]);
    },
  };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

interface Answer {
  readonly header: HeaderList;
  readonly body?: readonly Uint8Array[];
  readonly trailer?: HeaderList;
  readonly code: Code;
}

const unaryAnswers: Record<string, [RpcProtocol, Answer]> = {
  "no page at all": ["connect", { header: [":status", "404"], code: Code.Unimplemented }],
  "a proxy's error page": ["connect", {
    header: [":status", "503", "content-type", "text/html"],
    body: [json("<h1>down</h1>")],
    code: Code.Unavailable,
  }],
  "a success of another type": ["connect", {
    header: [":status", "200", "content-type", "text/html"],
    body: [json("hello")],
    code: Code.Unknown,
  }],
  "an error whose JSON is torn": ["connect", {
    header: [":status", "403", "content-type", "application/json"],
    body: [json('{"code":"not_fou')],
    code: Code.PermissionDenied,
  }],
  "an error of an unknown code": ["connect", {
    header: [":status", "401", "content-type", "application/json"],
    body: [json({ code: "tired", message: "later" })],
    code: Code.Unauthenticated,
  }],
  "an unknown compression": ["connect", {
    header: [...CONNECT, "content-encoding", "zip"],
    body: [hello],
    code: Code.Internal,
  }],
  "what is no message": ["connect", {
    header: CONNECT,
    body: [Uint8Array.of(255, 255, 255)],
    code: Code.Internal,
  }],
  "a field that is no header": ["connect", {
    header: [...CONNECT, "x(y", "1", "content-encoding", "gzip"],
    body: [hello],
    code: Code.Internal,
  }],
  "gRPC without a status": ["grpc", {
    header: GRPC,
    body: [enveloped(hello)],
    code: Code.Internal,
  }],
  "gRPC with an invalid status": ["grpc", {
    header: GRPC,
    trailer: ["grpc-status", "seven"],
    code: Code.Internal,
  }],
  "gRPC with two messages": ["grpc", {
    header: GRPC,
    body: [enveloped(hello), enveloped(hello)],
    trailer: ["grpc-status", "0"],
    code: Code.Unimplemented,
  }],
  "gRPC with no message": ["grpc", {
    header: GRPC,
    trailer: ["grpc-status", "0"],
    code: Code.Unimplemented,
  }],
  "gRPC with a message that declares 4 GiB": ["grpc", {
    header: GRPC,
    body: [enveloped(hello, 0, 0xffffffff)],
    trailer: ["grpc-status", "0"],
    code: Code.ResourceExhausted,
  }],
  "gRPC with an error in its only section": ["grpc", {
    header: [...GRPC, "grpc-status", "7", "grpc-message", "not%20you"],
    code: Code.PermissionDenied,
  }],
};

for (
  const [name, [protocol, { header, body = [], trailer, code }]] of Object.entries(unaryAnswers)
) {
  for (const path of ["fast path", "plain path"] as const) {
    Deno.test(`${path}: a response that is ${name} is reported as ${Code[code]}`, async () => {
      await using served = serve((stream) => {
        stream.sendHeaders(header, body.length === 0 && trailer === undefined);
        body.forEach((bytes, at) =>
          stream.sendData(bytes, trailer === undefined && at === body.length - 1)
        );
        if (trailer !== undefined) stream.sendTrailers(trailer);
      });
      const client = createClient(
        EchoService,
        createTransport({
          protocol,
          connection: served.client,
          interceptors: path === "fast path" ? [] : [throughPlainPath],
        }),
      );
      const error = await client.echo({}).then(() => assert.fail("it went well"), (error) => error);
      assert(error instanceof ConnectError, String(error));
      assert.equal(error.code, code, error.message);
      assert.equal(notBegun(error), false);
    });
  }
}

const streamAnswers: Record<string, readonly Uint8Array[]> = {
  "has no end": [enveloped(hello)],
  "is torn": [enveloped(hello, 0, 100)],
  "ends twice": [enveloped(json("{}"), 2), enveloped(json("{}"), 2)],
  "goes on after its end": [enveloped(json("{}"), 2), enveloped(hello)],
  "has an end that is no JSON": [enveloped(json("{"), 2)],
  "has compressed messages without a compression": [enveloped(hello, 1), enveloped(json("{}"), 2)],
  "declares 4 GiB": [enveloped(hello, 0, 0xffffffff)],
};

for (const [name, body] of Object.entries(streamAnswers)) {
  Deno.test(`a stream that ${name} fails`, async () => {
    await using served = serve((stream) => {
      stream.sendHeaders(STREAM, false);
      body.forEach((bytes, at) => stream.sendData(bytes, at === body.length - 1));
    });
    const client = createClient(
      EchoService,
      createTransport({ connection: served.client }),
    );
    await assert.rejects(
      async () => {
        for await (const _ of client.repeat({}));
      },
      (error) => error instanceof ConnectError,
    );
  });
}

Deno.test("a reset is reported by its code, and what was refused is known not to have begun", async () => {
  const codes: [number, Code, boolean][] = [
    [ErrorCode.REFUSED_STREAM, Code.Unavailable, true],
    [ErrorCode.CANCEL, Code.Canceled, false],
    [ErrorCode.ENHANCE_YOUR_CALM, Code.ResourceExhausted, false],
    [ErrorCode.INADEQUATE_SECURITY, Code.PermissionDenied, false],
    [ErrorCode.INTERNAL_ERROR, Code.Internal, false],
  ];
  for (const interceptors of [[], [throughPlainPath]]) {
    for (const [reset, code, refused] of codes) {
      await using served = serve((stream) => stream.reset(reset));
      const client = createClient(
        EchoService,
        createTransport({ connection: served.client, interceptors }),
      );
      const error = await client.echo({}).then(() => assert.fail("it went well"), (error) => error);
      assert.deepEqual([error.code, notBegun(error)], [code, refused]);
    }
  }
});

Deno.test("a response that ends before its request did is the answer", async () => {
  const [left, right] = memoryChannelPair();
  const server = openServerConnection(right, {
    onRequest: (stream) => {
      stream.sendHeaders(STREAM, false);
      stream.sendData(enveloped(hello), false);
      stream.sendData(enveloped(json("{}"), 2), true);
      return { data: (b) => stream.release(b.byteLength), trailers: () => {}, closed: () => {} };
    },
  });
  const connection = openClientConnection(left);
  const client = createClient(EchoService, createTransport({ connection }));
  const over = Promise.withResolvers<void>();
  async function* requests() {
    yield { text: "one" };
    await over.promise;
  }
  assert.equal((await client.collect(requests())).text, "hello");
  over.resolve();
  connection.abort(ErrorCode.NO_ERROR);
  await Promise.all([connection.closed, server.closed]);
});
