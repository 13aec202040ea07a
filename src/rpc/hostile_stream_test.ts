import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "../../tests/support/fast_check.ts";
import {
  anyCuts,
  anyEnvelope,
  cut,
  envelopes,
  untilTooLarge,
} from "../../tests/support/envelopes.ts";
import {
  beginConversation,
  type ClientLane,
  ConverseRecord,
  heard,
  serveConverse,
  type StreamLane,
} from "../../tests/support/converse.ts";
import {
  EchoRequestSchema,
  EchoResponseSchema,
} from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped, post, rawCall } from "../../tests/support/raw_call.ts";
import { rpcPair, type RpcPairOptions } from "../../tests/support/rpc_pair.ts";
import {
  ErrorCode,
  type HeaderList,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type Stream,
} from "../http2/mod.ts";
import { notBegun } from "./mod.ts";
import { joined } from "../values/mod.ts";

const CONVERSE = "/selvage.test.v1.EchoService/Converse";
const STREAM: HeaderList = [":status", "200", "content-type", "application/connect+proto"];
const LANES = ["bytes", "plain"] as const;
const FAST = ["bytes", "messages"] as const;

function open(path: StreamLane, options: RpcPairOptions = {}) {
  const record = new ConverseRecord();
  const pair = rpcPair((router) => serveConverse(router, path, record), options);
  return { record, pair, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

function request(text: string): Uint8Array {
  return toBinary(EchoRequestSchema, create(EchoRequestSchema, { text }));
}

function response(text: string): Uint8Array {
  return toBinary(EchoResponseSchema, create(EchoResponseSchema, { text }));
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

Deno.test("both paths answer any request alike, in whatever pieces it comes", async () => {
  await using bytes = open("bytes", { limits: { messageBytes: 300 } });
  await using plain = open("plain", { limits: { messageBytes: 300 } });
  const texts = fc.constantFrom("a", "b", "enough", "fail", "throw");
  const bodies = fc.array(anyEnvelope(texts.map(request)), { maxLength: 5 }).map(joined);
  const more = fc.constantFrom(
    [],
    ["connect-accept-encoding", "gzip"],
    ["connect-content-encoding", "identity"],
    ["connect-content-encoding", "zip"],
    ["connect-timeout-ms", "-1"],
  );
  await fc.assert(
    fc.asyncProperty(bodies, anyCuts, more, async (body, cuts, more) => {
      const fields = post(CONVERSE, "application/connect+proto", ...more);
      const answerOf = ({ pair }: typeof bytes, sent: Uint8Array) =>
        rawCall(pair.client, fields, cut(sent, cuts)).response;
      const ours = await answerOf(bytes, body);
      const theirs = await answerOf(plain, body);
      assert.deepEqual([ours.header, ours.trailer], [theirs.header, theirs.trailer]);
      // Of what came in one piece with a message that is too large, connect-es answers nothing.
      const without = await answerOf(plain, untilTooLarge(body, 300));
      const [said, expected, before] = [ours, theirs, without].map(({ body }) => envelopes(body));
      assert([expected, before].some((answer) => answer!.at(-1) === said!.at(-1)));
      assert.deepEqual(said!.slice(0, -1), before!.slice(0, -1));
    }),
    { numRuns: 300 },
  );
});

for (const path of LANES) {
  Deno.test(`${path}: a deadline of no time at all has passed`, async () => {
    await using served = open(path);
    const fields = post(CONVERSE, "application/connect+proto", "connect-timeout-ms", "0");
    const hang = enveloped(request("hang"));
    const { body } = await rawCall(served.pair.client, fields, [hang], false).response;
    const end = JSON.parse(new TextDecoder().decode(body.subarray(5)));
    assert.equal(end.error.code, "deadline_exceeded");
    assert.equal(served.record.begun, 0);
    await served.pair.idle();
  });

  Deno.test(`${path}: a request that is cancelled in the breath it came in never begins`, async () => {
    await using served = open(path);
    const fields = post(CONVERSE, "application/connect+proto");
    const calls = Array.from({ length: 20 }, () => {
      const call = rawCall(served.pair.client, fields, [enveloped(request("a"))], false);
      call.stream.reset(ErrorCode.CANCEL);
      return call.response;
    });
    await Promise.all(calls);
    const last = rawCall(served.pair.client, fields, [enveloped(request("a"))]);
    await last.response;
    assert.equal(served.record.begun, 1);
    assert.equal(served.pair.running(), 0);
  });

  Deno.test(`${path}: a large message in tiny pieces is received in linear time`, async () => {
    await using served = open(path);
    const body = enveloped(
      toBinary(
        EchoRequestSchema,
        create(EchoRequestSchema, { data: new Uint8Array(20_000) }),
      ),
    );
    const pieces = Array.from(body, (_, at) => body.subarray(at, at + 1));
    const fields = post(CONVERSE, "application/connect+proto");
    const answer = await rawCall(served.pair.client, fields, pieces).response;
    assert.equal(envelopes(answer.body).length, 2);
  });
}

/** A server that does `answer` to the stream of every request. */
function serve(answer: (stream: Stream) => void) {
  const [left, right] = memoryChannelPair();
  const server = openServerConnection(right, {
    onRequest: (stream) => {
      queueMicrotask(() => answer(stream));
      return {
        data: (bytes) => stream.release(bytes.byteLength),
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

interface Answer {
  readonly header: HeaderList;
  readonly body: readonly Uint8Array[];
}

async function reported(path: ClientLane, { header, body }: Answer) {
  await using served = serve((stream) => {
    stream.sendHeaders(header, body.length === 0);
    body.forEach((bytes, at) => stream.sendData(bytes, at === body.length - 1));
  });
  const call = beginConversation(path, served.client, { limits: { messageBytes: 300 } });
  call.send({ text: "a" });
  const { texts, error } = await heard(call);
  return {
    texts,
    error: error === undefined ? undefined : {
      code: Code[error.code],
      message: error.rawMessage,
      metadata: [...error.metadata],
      details: error.details.length,
      notBegun: notBegun(error),
    },
  };
}

const END = enveloped(json({}), 2);
const ERROR = { error: { code: "not_found", message: "no é" }, metadata: { "x-a": ["1", "2"] } };
const answers: Record<string, Answer> = {
  "no page at all": { header: [":status", "404"], body: [] },
  "a proxy's error page": {
    header: [":status", "503", "content-type", "text/html"],
    body: [json("<h1>down</h1>")],
  },
  "a success of another type": { header: STREAM.with(3, "text/html"), body: [json("hello")] },
  "a unary success": { header: STREAM.with(3, "application/proto"), body: [response("a")] },
  "a unary error": {
    header: [":status", "403", "content-type", "application/json"],
    body: [json({ code: "not_found" })],
  },
  "a type in capitals": {
    header: STREAM.with(3, "Application/Connect+Proto"),
    body: [enveloped(response("a")), END],
  },
  "an unknown compression": {
    header: [...STREAM, "connect-content-encoding", "zip"],
    body: [enveloped(response("a")), END],
  },
  "no body": { header: STREAM, body: [] },
  "no end": { header: STREAM, body: [enveloped(response("a"))] },
  "a torn message": {
    header: STREAM,
    body: [enveloped(response("a")), enveloped(response("a"), 0, 9)],
  },
  "two ends": { header: STREAM, body: [joined([END, END])] },
  "a message after the end": { header: STREAM, body: [joined([END, enveloped(response("a"))])] },
  "an end that is no JSON": { header: STREAM, body: [enveloped(json("{"), 2)] },
  "an end with an error": { header: STREAM, body: [enveloped(json(ERROR), 2)] },
  "an end with an error of an unknown code": {
    header: STREAM,
    body: [enveloped(json({ error: { code: "tired" } }), 2)],
  },
  "a compressed message": { header: STREAM, body: [enveloped(response("a"), 1), END] },
  "4 GiB declared": { header: STREAM, body: [enveloped(response("a"), 0, 0xffffffff)] },
};

for (const [name, answer] of Object.entries(answers)) {
  Deno.test(`all paths report alike a response that is ${name}`, async () => {
    const expected = await reported("plain", answer);
    for (const path of FAST) assert.deepEqual(await reported(path, answer), expected, path);
  });
}

Deno.test("all paths report alike any response, in whatever pieces it comes", async () => {
  const texts = fc.constantFrom("a", "b".repeat(100), "c".repeat(400)).map(response);
  const ends = fc.constantFrom(END, enveloped(json(ERROR), 2), new Uint8Array(0));
  const bodies = fc.tuple(fc.array(anyEnvelope(texts), { maxLength: 4 }), ends)
    .map(([messages, end]) => joined([...messages, end]));
  await fc.assert(
    fc.asyncProperty(bodies, anyCuts, async (body, cuts) => {
      const answer = { header: STREAM, body: cut(body, cuts) };
      const theirs = await reported("plain", answer);
      // Of what came in one piece with a message that is too large, connect-es reports nothing.
      const whole = untilTooLarge(body, 300);
      const before = await reported("plain", { header: STREAM, body: cut(whole, cuts) });
      for (const path of FAST) {
        const ours = await reported(path, answer);
        const error = JSON.stringify(ours.error);
        const isExpected = [theirs, before].some((reported) => {
          return JSON.stringify(reported.error) === error;
        });
        assert(isExpected, `${path}: ${error}`);
        assert.deepEqual(ours.texts, before.texts);
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a reset is reported by its code on all paths, and what was refused has not begun", async () => {
  const codes: [number, Code, boolean][] = [
    [ErrorCode.REFUSED_STREAM, Code.Unavailable, true],
    [ErrorCode.CANCEL, Code.Canceled, false],
    [ErrorCode.ENHANCE_YOUR_CALM, Code.ResourceExhausted, false],
    [ErrorCode.INADEQUATE_SECURITY, Code.PermissionDenied, false],
    [ErrorCode.INTERNAL_ERROR, Code.Internal, false],
  ];
  for (const path of [...FAST, "plain"] as const) {
    for (const [reset, code, refused] of codes) {
      await using served = serve((stream) => stream.reset(reset));
      const call = beginConversation(path, served.client);
      call.send({ text: "a" });
      const { error } = await heard(call);
      assert(error instanceof ConnectError);
      assert.deepEqual([error.code, notBegun(error)], [code, refused]);
    }
  }
});
