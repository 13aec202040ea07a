import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import fc from "../../tests/support/fast_check.ts";
import { echoService, emptyRecord, throughPlainPath } from "../../tests/support/echo.ts";
import { EchoRequestSchema, EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped, post, rawCall, type RawResponse } from "../../tests/support/raw_call.ts";
import { rpcPair, type RpcPairOptions } from "../../tests/support/rpc_pair.ts";
import { headerValue } from "../http2/mod.ts";

const ECHO = "/selvage.test.v1.EchoService/Echo";
const COLLECT = "/selvage.test.v1.EchoService/Collect";
const hello = toBinary(EchoRequestSchema, create(EchoRequestSchema, { text: "hello" }));

function serve(lane: "fast" | "plain", options: RpcPairOptions = {}) {
  const record = emptyRecord();
  const pair = rpcPair((router) => {
    const plain = { interceptors: [throughPlainPath] };
    router.service(EchoService, echoService(record), lane === "plain" ? plain : undefined);
  }, options);
  return { record, pair, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

function status(response: RawResponse): string | undefined {
  return headerValue(response.header, ":status");
}

function grpcStatus(response: RawResponse): number {
  return Number(
    headerValue(response.trailer, "grpc-status") ?? headerValue(response.header, "grpc-status"),
  );
}

function connectCode(response: RawResponse): string {
  return JSON.parse(new TextDecoder().decode(response.body)).code;
}

Deno.test("a request for a path that is not served is answered 404", async () => {
  await using served = serve("fast");
  for (const path of ["/", "/selvage.test.v1.EchoService", `${ECHO}/`, "/x/Echo"]) {
    const fields = post(path, "application/proto");
    const { response } = rawCall(served.pair.client, fields, [hello], false);
    assert.equal(status(await response), "404", path);
  }
  assert.equal(served.pair.admitted(), 0);
});

Deno.test("a request with another verb is answered 405", async () => {
  await using served = serve("fast");
  const fields = post(ECHO, "application/proto").with(1, "PUT");
  const { response } = rawCall(served.pair.client, fields, [hello]);
  assert.equal(status(await response), "405");
});

Deno.test("a request in another form is answered 415", async () => {
  await using served = serve("fast");
  for (const type of ["", "text/html", "application/grpc+avro", "application/protobuf"]) {
    const { response } = rawCall(served.pair.client, post(ECHO, type), [hello]);
    assert.equal(status(await response), "415", type);
  }
  const { response } = rawCall(served.pair.client, post(ECHO, "application/connect+proto"));
  assert.equal(status(await response), "415");
});

Deno.test("an authority that is no host does not keep a call from being served", async () => {
  await using served = serve("plain");
  for (const authority of ["%2Ftmp%2Fsock", "a:99999", "a_b", "-"]) {
    const fields = post(ECHO, "application/proto").with(5, authority);
    const { response } = rawCall(served.pair.client, fields, [hello]);
    assert.equal(status(await response), "200", authority);
  }
});

for (const lane of ["fast", "plain"] as const) {
  Deno.test(`${lane}: a body that is not as long as promised is refused`, async () => {
    await using served = serve(lane);
    for (const length of ["1", "100", "4194305"]) {
      const fields = post(ECHO, "application/proto", "content-length", length);
      const { response } = rawCall(served.pair.client, fields, [hello]);
      const answer = await response;
      // The HTTP/2 layer may have refused it before (RFC 9113 §8.1.1).
      if (answer.end.how === "reset-by-peer") continue;
      assert.equal(connectCode(answer), "invalid_argument", length);
    }
    assert.equal(served.record.begun, 0);
  });

  Deno.test(`${lane}: a timeout that is no number is refused`, async () => {
    await using served = serve(lane);
    for (const timeout of ["", "-1", "1e3", "12345678901", "5m"]) {
      const fields = post(ECHO, "application/proto", "connect-timeout-ms", timeout);
      const { response } = rawCall(served.pair.client, fields, [hello]);
      assert.equal(connectCode(await response), "invalid_argument", timeout);
    }
    for (const timeout of ["", "m", "5", "123456789m", "-5m", "5x"]) {
      const fields = post(ECHO, "application/grpc", "grpc-timeout", timeout);
      const { response } = rawCall(served.pair.client, fields, [enveloped(hello)]);
      assert.equal(grpcStatus(await response), Code.InvalidArgument, timeout);
    }
  });

  Deno.test(`${lane}: a call whose time is over when it arrives does not run`, async () => {
    await using served = serve(lane);
    const connect = post(ECHO, "application/proto", "connect-timeout-ms", "0");
    assert.equal(
      connectCode(await rawCall(served.pair.client, connect, [hello]).response),
      "deadline_exceeded",
    );
    for (const timeout of ["0n", "0H", "1n"]) {
      const fields = post(ECHO, "application/grpc", "grpc-timeout", timeout);
      const { response } = rawCall(served.pair.client, fields, [enveloped(hello)]);
      assert.equal(grpcStatus(await response), Code.DeadlineExceeded, timeout);
    }
    assert.equal(served.record.begun, 0);
  });

  Deno.test(`${lane}: a field that says twice how to read a call, or how long it has, is refused`, async () => {
    await using served = serve(lane);
    const doubled: [type: string, name: string, first: string, second: string][] = [
      ["application/proto", "content-type", "", "application/json"],
      ["application/proto", "content-type", "", "application/proto"],
      ["application/proto", "connect-timeout-ms", "5000", "1"],
      ["application/proto", "content-encoding", "identity", "gzip"],
      ["application/grpc", "content-type", "", "application/grpc+proto"],
      ["application/grpc", "grpc-timeout", "5S", "5S"],
      ["application/grpc", "grpc-encoding", "identity", "gzip"],
      ["application/connect+proto", "connect-content-encoding", "identity", "gzip"],
    ];
    for (const [type, name, first, second] of doubled) {
      const more = name === "content-type" ? [name, second] : [name, first, name, second];
      const body = type === "application/proto" ? hello : enveloped(hello);
      const { response } = rawCall(served.pair.client, post(ECHO, type, ...more), [body]);
      assert.equal(status(await response), "400", `${type} ${name}`);
    }
    assert.equal(served.record.begun, 0);
    assert.equal(served.pair.admitted(), 0);
  });

  Deno.test(`${lane}: an unknown compression is refused`, async () => {
    await using served = serve(lane);
    const connect = post(ECHO, "application/proto", "content-encoding", "zip");
    assert.equal(
      connectCode(await rawCall(served.pair.client, connect, [hello]).response),
      "unimplemented",
    );
    const grpc = post(ECHO, "application/grpc", "grpc-encoding", "zip");
    const { response } = rawCall(served.pair.client, grpc, [enveloped(hello)]);
    assert.equal(grpcStatus(await response), Code.Unimplemented);
  });

  Deno.test(`${lane}: a message that expands beyond the limit is refused`, async () => {
    await using served = serve(lane, { limits: { messageBytes: 100_000 } });
    const bomb = gzipSync(new Uint8Array(50_000_000));
    const fields = post(ECHO, "application/proto", "content-encoding", "gzip");
    const { response } = rawCall(served.pair.client, fields, [bomb]);
    assert.equal(connectCode(await response), "resource_exhausted");
  });

  Deno.test(`${lane}: an envelope that declares more than the limit is refused at its header`, async () => {
    await using served = serve(lane);
    for (const declared of [4 * 1024 * 1024 + 1, 0xffffffff]) {
      const fields = post(ECHO, "application/grpc");
      const body = [enveloped(hello, 0, declared)];
      const { response } = rawCall(served.pair.client, fields, body, lane === "fast");
      assert.equal(grpcStatus(await response), Code.ResourceExhausted);
    }
  });

  Deno.test(`${lane}: a gRPC body that is not one whole envelope is refused`, async () => {
    await using served = serve(lane);
    const bodies: Record<string, Uint8Array[]> = {
      none: [],
      "a torn header": [Uint8Array.of(0, 0, 0)],
      "a torn payload": [enveloped(hello, 0, hello.byteLength + 1)],
      two: [enveloped(hello), enveloped(hello)],
      "one and a half": [enveloped(hello), Uint8Array.of(0, 0)],
      "a compressed one without compression": [enveloped(hello, 1)],
      "what is no message": [enveloped(Uint8Array.of(255, 255, 255))],
    };
    for (const [name, body] of Object.entries(bodies)) {
      const { response } = rawCall(served.pair.client, post(ECHO, "application/grpc"), body);
      const code = grpcStatus(await response);
      assert(code > 0, `${name} was answered with ${code}`);
    }
    assert.equal(served.record.begun, 0);
    assert.equal(served.pair.running(), 0);
  });

  Deno.test(`${lane}: a request that never ends is given up after its time`, async () => {
    await using served = serve(lane, { limits: { receiveTimeoutMs: 30 } });
    const fields = post(ECHO, "application/proto");
    const { response } = rawCall(served.pair.client, fields, [hello.subarray(0, 2)], false);
    assert.equal(connectCode(await response), "deadline_exceeded");
    assert.equal(served.record.begun, 0);
    assert.equal(served.pair.running(), 0);
  });

  Deno.test(`${lane}: a request that is cancelled before it is complete never begins`, async () => {
    await using served = serve(lane);
    const fields = post(ECHO, "application/proto");
    const { stream, response } = rawCall(served.pair.client, fields, [hello], false);
    await served.pair.begun();
    stream.reset(8);
    await response;
    await served.pair.idle();
    assert.equal(served.record.begun, 0);
  });

  Deno.test(`${lane}: a large message in tiny pieces is received in linear time`, async () => {
    await using served = serve(lane);
    const request = create(EchoRequestSchema, { data: new Uint8Array(20_000) });
    const body = enveloped(toBinary(EchoRequestSchema, request));
    const pieces = Array.from(body, (_, at) => body.subarray(at, at + 1));
    const { response } = rawCall(served.pair.client, post(ECHO, "application/grpc"), pieces);
    assert.equal(grpcStatus(await response), 0);
  });
}

Deno.test("an envelope that declares much and brings nothing takes no memory", async () => {
  await using served = serve("plain");
  const before = Deno.memoryUsage().external;
  const calls = Array.from({ length: 100 }, () => {
    const body = [enveloped(hello, 0, 4 * 1024 * 1024)];
    return rawCall(served.pair.client, post(COLLECT, "application/grpc"), body, false);
  });
  // What arrives together is read in parts, a turn for each.
  while (served.pair.admitted() < 100) await served.pair.client.ping();
  const taken = Deno.memoryUsage().external - before;
  assert(taken < 50 * 1024 * 1024, `${taken} bytes were taken`);
  for (const { stream } of calls) stream.reset(8);
  await Promise.all(calls.map(({ response }) => response));
});

/** What a client can report of an answer. */
function visible(response: RawResponse): unknown {
  const trailer = new Map<string, string>();
  for (let at = 0; at < response.trailer.length; at += 2) {
    trailer.set(response.trailer[at] as string, response.trailer[at + 1] as string);
  }
  return {
    status: status(response),
    type: headerValue(response.header, "content-type"),
    body: [...response.body],
    trailer: [...trailer].sort(),
  };
}

Deno.test("both paths answer any body alike, in whatever pieces it comes", async () => {
  await using fast = serve("fast", { limits: { messageBytes: 300 } });
  await using plain = serve("plain", { limits: { messageBytes: 300 } });
  const message = fc.oneof(
    fc.constantFrom("hello", "fail", "throw").map((text) =>
      toBinary(EchoRequestSchema, create(EchoRequestSchema, { text }))
    ),
    fc.uint8Array({ maxLength: 400 }),
  );
  const envelope = fc.record({
    message,
    flags: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(255)),
    more: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -3, max: 2 ** 31 })),
  }).map(({ message, flags, more }) =>
    enveloped(message, flags, Math.max(0, message.byteLength + more))
  );
  const grpc = fc.array(envelope, { maxLength: 3 })
    .map((all) => Uint8Array.from(all.flatMap((bytes) => [...bytes])))
    .map((body) => ({ fields: post(ECHO, "application/grpc"), body }));
  const connect = message.map((body) => ({ fields: post(ECHO, "application/proto"), body }));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(grpc, connect),
      fc.array(fc.nat(420), { maxLength: 4 }),
      async ({ fields, body }, cuts) => {
        const bounds = [
          0,
          ...cuts.filter((cut) => cut < body.length).sort((a, b) => a - b),
          body.length,
        ];
        const pieces = bounds.slice(1).map((end, at) => body.slice(bounds[at], end));
        const answers = await Promise.all(
          [fast, plain].map(({ pair }) => rawCall(pair.client, fields, pieces).response),
        );
        const [first, second] = answers.map(visible);
        assert.deepEqual(first, second);
      },
    ),
    { numRuns: 150 },
  );
});
