/** However a request spells what it calls, it runs what the policy was asked about, or nothing. */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { routine } from "../../src/contract/mod.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import { CallRequestSchema } from "../../src/gen/mod.ts";
import { headerValue } from "../../src/http2/mod.ts";
import { dialPeer } from "../../src/peer/mod.ts";
import { envelope } from "../../src/rpc/wire/envelope.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { EchoRequestSchema, EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { post, rawCall, type RawResponse } from "../support/raw_call.ts";

let ran: string[] = [];
const routines = [
  routine("spelling.open", () => void ran.push("open")),
  routine("spelling.closed", () => void ran.push("closed")),
];

/** A worker that serves two routines and a service, of which one routine and one method may be called. */
async function serve() {
  ran = [];
  const worker = await WorkerServer.start({
    routines,
    services: (router) =>
      router.service(EchoService, {
        echo: () => (ran.push("Echo"), {}),
        echoWithoutSideEffects: () => (ran.push("EchoWithoutSideEffects"), {}),
      }),
    policy: {
      rules: [{
        effect: "allow",
        who: ["anonymous"],
        what: ["spelling.open", "*.open", "selvage.test.v1.EchoService/EchoW*"],
      }],
    },
  });
  const { connection } = await dialPeer(parseAddress(worker.address), {
    credentials: undefined,
    expected: [],
    worker: { address: worker.address },
  });
  return {
    ask: (fields: readonly string[], body?: Uint8Array) =>
      rawCall(connection, fields, body === undefined ? [] : [body]).response,
    async [Symbol.asyncDispose]() {
      connection.abort(0);
      await worker.drain({ graceMs: 0 });
    },
  };
}

/** Whether a request was answered with a result; where its protocol is gRPC, the status says so. */
function succeeded({ header, body, trailer }: RawResponse): boolean {
  if (headerValue(header, ":status") !== "200") return false;
  const type = headerValue(header, "content-type") ?? "";
  if (!type.startsWith("application/grpc")) return true;
  const inBody = /grpc-status: *(\d+)/.exec(new TextDecoder().decode(body))?.[1];
  return (headerValue(trailer, "grpc-status") ?? headerValue(header, "grpc-status") ?? inBody) ===
    "0";
}

const BODIES: readonly (readonly [type: string, encode: (message: Uint8Array) => Uint8Array])[] = [
  ["application/proto", (message) => message],
  ["application/grpc", (message) => envelope(message, 0)],
  ["application/grpc-web+proto", (message) => envelope(message, 0)],
];

/** Other spellings of a path that names one method. */
function spellings(service: string, method: string): readonly string[] {
  const path = `/${service}/${method}`;
  return [
    `/${path}`,
    `${path}/`,
    `/./${service}/${method}`,
    `/x/..${path}`,
    `/${service}//${method}`,
    `/${service}/${method.toLowerCase()}`,
    `/${service.toUpperCase()}/${method}`,
    `/${service}/%${method.charCodeAt(0).toString(16)}${method.slice(1)}`,
    `/${service}%2f${method}`,
    `${path}%00`,
    `${path};x`,
    `/.${service}/${method}`,
    `/${service}./${method}`,
    `/${service}/EchoWithoutSideEffects/../${method}`,
  ];
}

Deno.test("another spelling of a denied method's path runs nothing, in any protocol", async () => {
  await using worker = await serve();
  const message = toBinary(EchoRequestSchema, create(EchoRequestSchema, { text: "x" }));
  const name = EchoService.typeName;
  for (const [type, encode] of BODIES) {
    for (const path of [`/${name}/Echo`, ...spellings(name, "Echo")]) {
      const response = await worker.ask(post(path, type), encode(message));
      assert.equal(succeeded(response), false, `${type} ${path}`);
    }
    for (const method of ["GET", "PUT", "HEAD", "OPTIONS", "post"]) {
      const fields = post(`/${name}/Echo`, type);
      fields[1] = method;
      assert.equal(succeeded(await worker.ask(fields, encode(message))), false, method);
    }
  }
  assert.deepEqual(ran, []);
});

Deno.test("a method without side effects is asked about by its name, whatever the query of a GET says", async () => {
  await using worker = await serve();
  const query = "connect=v1&encoding=json&message=%7B%7D";
  const get = (path: string, ...more: string[]) => [
    ...[":method", "GET", ":scheme", "https", ":authority", "test", ":path", path],
    ...more,
  ];
  const allowed = await worker.ask(get(`/${EchoService.typeName}/EchoWithoutSideEffects?${query}`));
  assert.equal(succeeded(allowed), true);
  assert.deepEqual(ran.splice(0), ["EchoWithoutSideEffects"]);
  for (
    const path of [
      `/${EchoService.typeName}/Echo?${query}`,
      `/${EchoService.typeName}/Echo?${query}&x=/${EchoService.typeName}/EchoWithoutSideEffects`,
      `/${EchoService.typeName}/Echo?/../EchoWithoutSideEffects?${query}`,
      `/selvage.v1.WorkerService/Call?${
        query.replace("%7B%7D", "%7B%22routine%22%3A%22spelling.open%22%7D")
      }`,
    ]
  ) assert.equal(succeeded(await worker.ask(get(path))), false, path);
  assert.deepEqual(ran, []);
});

Deno.test("another spelling of a denied routine's name runs nothing, in header or envelope", async () => {
  await using worker = await serve();
  const call = (name: string) => ({
    routine: name,
    arguments: { encoding: { case: "json" as const, value: "[]" } },
  });
  const names = [
    "spelling.closed",
    "Spelling.closed",
    "spelling.closed ",
    " spelling.closed",
    "spelling.closed\0",
    "spelling.closed.open",
    "spelling.open/../closed",
    "spelling.open\0spelling.closed",
    "spelling.open,spelling.closed",
    "spelling.open spelling.closed",
    "spelling.c\u043bosed",
    "__proto__.open",
    "constructor.open",
    "",
    `${"x".repeat(8_000)}.open`,
  ];
  for (const [type, encode] of BODIES) {
    const path = "/selvage.v1.WorkerService/Call";
    const encoded = (name: string) =>
      encode(toBinary(CallRequestSchema, create(CallRequestSchema, call(name))));
    assert.equal(succeeded(await worker.ask(post(path, type), encoded("spelling.open"))), true);
    assert.deepEqual(ran.splice(0), ["open"]);
    for (const name of names) {
      const body = encoded(name);
      for (const header of [undefined, "spelling.open", "spelling.closed"]) {
        const more = header === undefined ? [] : ["selvage-routine", header];
        const fields = post(path, type, ...more);
        assert.equal(succeeded(await worker.ask(fields, body)), false, `${name} ${header}`);
      }
    }
  }
  assert.deepEqual(ran, []);
});
