/**
 * Random requests, broken and not, against a server of RPCs, in every protocol, form and compression. As a program:
 * `deno run -A tests/fuzz/rpc_requests.ts SECONDS [SEED]`.
 */
import { strictEqual } from "node:assert/strict";
import { deflateSync, gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ErrorCode, type StreamEnd } from "../../src/http2/mod.ts";
import { processBudget } from "../../src/rpc/wire/gather_budget.ts";
import { joined } from "../../src/values/mod.ts";
import { echoService } from "../support/echo.ts";
import { cut } from "../support/envelopes.ts";
import fc, { HUNG_MS, seedProgram } from "../support/fast_check.ts";
import { EchoRequestSchema, EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped, post } from "../support/raw_call.ts";
import { type RpcPair, rpcPair } from "../support/rpc_pair.ts";

/** How long to look for a request that breaks the server. */
export interface FuzzOptions {
  /** How many times to send some random requests at once. Default: as often as `seconds` allow. */
  readonly numRuns?: number;
  /** How long to try, in seconds. Default: until `numRuns` were tried. */
  readonly seconds?: number;
}

/** One request, and what is wrong with it. */
interface RandomRequest {
  readonly method: keyof typeof METHODS;
  readonly protocol: "connect" | "grpc" | "grpc-web";
  readonly format: "proto" | "json";
  readonly compression: keyof typeof COMPRESSIONS;
  readonly messages: readonly { readonly text: string; readonly size: number }[];
  /** Whether messages are said to be compressed, and are. */
  readonly tellsTruth: boolean;
  /** Where bits of the body are turned over. */
  readonly broken: readonly number[];
  /** How much of the body is left out. */
  readonly torn: number;
  readonly cuts: readonly number[];
  readonly timeout: string | undefined;
  readonly length: number | undefined;
  readonly accepts: string | undefined;
  /** How many turns of the event loop pass before the caller leaves; unless it stays. */
  readonly leavesAfter: number | undefined;
  readonly ends: boolean;
}

const METHODS = {
  Echo: "unary",
  EchoWithoutSideEffects: "unary",
  Repeat: "stream",
  Collect: "stream",
  Converse: "stream",
} as const;

/** Those whose messages may be broken as often as one likes (`src/rpc/wire/compression.ts`). */
const COMPRESSIONS = {
  identity: (bytes: Uint8Array) => bytes,
  gzip: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
  deflate: (bytes: Uint8Array) => new Uint8Array(deflateSync(bytes)),
} as const;

const LIMITS = { messageBytes: 300_000, receiveTimeoutMs: 50 };

const request: fc.Arbitrary<RandomRequest> = fc.record({
  method: fc.constantFrom(...Object.keys(METHODS) as (keyof typeof METHODS)[]),
  protocol: fc.constantFrom("connect", "grpc", "grpc-web"),
  format: fc.constantFrom("proto", "json"),
  compression: fc.constantFrom(...Object.keys(COMPRESSIONS) as (keyof typeof COMPRESSIONS)[]),
  messages: fc.array(
    fc.record({
      text: fc.constantFrom("", "a", "fail", "throw", "enough"),
      size: fc.oneof(fc.nat(100), fc.constantFrom(5_000, 150_000, 290_000, 600_000)),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  tellsTruth: mostly(true, fc.boolean()),
  broken: mostly([], fc.array(fc.nat(2 ** 31 - 1), { maxLength: 3 })),
  torn: mostly(0, fc.nat(40)),
  cuts: fc.array(fc.nat(700_000), { maxLength: 3 }),
  timeout: mostly(
    undefined,
    fc.constantFrom("0", "1", "20", "9999999999", "-1", "x", "1m", "20m", "99999999H", "1n"),
  ),
  length: mostly(undefined, fc.nat(1000)),
  accepts: mostly(undefined, fc.constantFrom("gzip", "br", "zstd,gzip", "identity", ",,")),
  leavesAfter: mostly(undefined, fc.nat(6)),
  ends: mostly(true, fc.boolean()),
});

function mostly<Usual, Other>(
  usual: Usual,
  other: fc.Arbitrary<Other>,
): fc.Arbitrary<Usual | Other> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: other, weight: 1 });
}

/**
 * Sends random requests at once over a connection, and then one that is answered.
 *
 * @throws where a stream does not end, the connection does, or memory or a place is kept.
 */
export async function fuzzRequests(options: FuzzOptions): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), sendAll),
    {
      numRuns: options.numRuns ?? 1e9,
      timeout: HUNG_MS,
      ...(options.seconds !== undefined && {
        interruptAfterTimeLimit: options.seconds * 1000,
        markInterruptAsFailure: false,
      }),
    },
  );
}

async function sendAll(requests: readonly RandomRequest[]): Promise<void> {
  await using pair = rpcPair((router) => router.service(EchoService, echoService()), {
    limits: LIMITS,
  });
  await Promise.all(requests.map((one) => send(pair, one)));
  const last = await send(pair, PLAIN);
  strictEqual(last.how, "complete");
  await pair.idle();
  strictEqual(processBudget.spentBytes, 0);
}

const PLAIN: RandomRequest = {
  method: "Echo",
  protocol: "connect",
  format: "proto",
  compression: "identity",
  messages: [{ text: "a", size: 1 }],
  tellsTruth: true,
  broken: [],
  torn: 0,
  cuts: [],
  timeout: undefined,
  length: undefined,
  accepts: undefined,
  leavesAfter: undefined,
  ends: true,
};

async function send({ client }: RpcPair, one: RandomRequest): Promise<StreamEnd> {
  const ended = Promise.withResolvers<StreamEnd>();
  const body = bodyOf(one);
  const stream = client.open(fieldsOf(one), {
    data: (bytes) => stream.release(bytes.byteLength),
    trailers: () => {},
    closed: ended.resolve,
  }, { endStream: one.ends && body.length === 0 });
  const pieces = cut(body, one.cuts);
  for (const [at, piece] of pieces.entries()) {
    if (piece.length > 0) stream.sendData(piece, one.ends && at === pieces.length - 1);
    if (at % 2 === 1) await turn();
  }
  // One that has not ended is waited for by streams, however long.
  const leavesAfter = one.leavesAfter ?? (one.ends ? undefined : 20);
  if (leavesAfter !== undefined) {
    for (let turns = 0; turns < leavesAfter; turns++) await turn();
    stream.reset(ErrorCode.CANCEL);
  }
  return await ended.promise;
}

function fieldsOf(one: RandomRequest): string[] {
  const { protocol, compression } = one;
  const isConnect = protocol === "connect";
  const isStream = METHODS[one.method] === "stream";
  const contentType = isConnect
    ? `application/${isStream ? "connect+" : ""}${one.format}`
    : `application/${protocol}+${one.format}`;
  const prefix = isConnect ? isStream ? "connect-content" : "content" : "grpc";
  const accept = isConnect ? isStream ? "connect-accept" : "accept" : "grpc-accept";
  const fields = post(`/${EchoService.typeName}/${one.method}`, contentType);
  if (compression !== "identity") fields.push(`${prefix}-encoding`, compression);
  if (one.accepts !== undefined) fields.push(`${accept}-encoding`, one.accepts);
  if (one.timeout !== undefined) {
    fields.push(isConnect ? "connect-timeout-ms" : "grpc-timeout", one.timeout);
  }
  if (one.length !== undefined) fields.push("content-length", String(one.length));
  return fields;
}

function bodyOf(one: RandomRequest): Uint8Array<ArrayBuffer> {
  const compress = one.tellsTruth ? COMPRESSIONS[one.compression] : COMPRESSIONS.identity;
  const hasEnvelopes = one.protocol !== "connect" || METHODS[one.method] === "stream";
  const isCompressed = one.compression !== "identity";
  const pieces = one.messages.slice(0, hasEnvelopes ? 4 : 1).map((message) => {
    const bytes = compress(messageOf(message, one.format));
    return hasEnvelopes ? enveloped(bytes, isCompressed ? 1 : 0) : bytes;
  });
  const whole = joined(pieces);
  const body = whole.slice(0, Math.max(0, whole.length - one.torn));
  for (const at of one.broken) if (body.length > 0) body[at % body.length]! ^= 1 << at % 7;
  return body;
}

function messageOf({ text, size }: RandomRequest["messages"][number], format: string): Uint8Array {
  // Not of one byte, so that several blocks are compressed.
  const data = Uint8Array.from(
    { length: size },
    (_, at) => at % 5 === 0 ? Math.imul(at, at) >>> 7 : 0,
  );
  const message = create(EchoRequestSchema, { text, count: 2, data });
  return format === "proto"
    ? toBinary(EchoRequestSchema, message)
    : new TextEncoder().encode(toJsonString(EchoRequestSchema, message));
}

function turn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}

if (import.meta.main) {
  seedProgram(Deno.args[1]);
  await fuzzRequests({ seconds: Number(Deno.args[0] ?? 60) });
}
