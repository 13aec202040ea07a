/** The limits of either end are options, and hold where they are said to. */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { Code, createClient } from "@connectrpc/connect";
import { parseAddress } from "../../src/channel/mod.ts";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { assemble } from "../../src/credentials/mod.ts";
import { HandshakeError, InvalidPayload } from "../../src/errors/mod.ts";
import { DescribeRequestSchema, Health, WorkerService } from "../../src/gen/mod.ts";
import {
  type ClientConnection,
  ErrorCode,
  type HeaderList,
  headerValue,
} from "../../src/http2/mod.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import { dialPeer } from "../../src/peer/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { enveloped, post } from "../support/raw_call.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust, WORKER_ID } from "./trust.ts";

const MIB = 1024 * 1024;

const length = routine("limits.length", (bytes: Uint8Array) => bytes.length);
const zeros = routine("limits.zeros", (bytes: number) => new Uint8Array(bytes));
const nested = routine("limits.nested", (value: readonly (readonly number[])[]) => value.length);
const routines = { length, zeros, nested };

Deno.test("messages of 6 MiB travel both ways where both ends allow them, and else neither way", async () => {
  const trust = new Trust();
  const limits = { messageBytes: 8 * MIB };
  await using large = await startWorker(trust, { routines, limits });
  await using largeCaller = await openDispatcher(trust, large.address, { limits });
  assert.equal(await largeCaller.call(length, [new Uint8Array(6 * MIB)]), 6 * MIB);
  assert.equal((await largeCaller.call(zeros, [6 * MIB])).length, 6 * MIB);

  await using small = await startWorker(trust, { routines });
  await using caller = await openDispatcher(trust, small.address);
  await assert.rejects(caller.call(length, [new Uint8Array(6 * MIB)]), InvalidPayload);
  await assert.rejects(caller.call(zeros, [6 * MIB]), InvalidPayload);
});

Deno.test("a message that only its receiver finds too large is no overload, and its limit is named", async () => {
  const trust = new Trust();
  const limits = { messageBytes: MIB };
  const repeat = duplexRoutine("limits.repeat", async function* (input: AsyncIterable<Uint8Array>) {
    yield* input;
  });
  const item = routine("limits.item", async function* (bytes: number) {
    yield new Uint8Array(bytes);
  });
  const all = { ...routines, repeat, item };
  await using small = await startWorker(trust, { routines: all, limits });
  await using largeCaller = await openDispatcher(trust, small.address);
  await using large = await startWorker(trust, { routines: all });
  await using smallCaller = await openDispatcher(trust, large.address, { limits });
  await using bothSmall = await openDispatcher(trust, small.address, { limits });
  const bytes = new Uint8Array(2 * MIB);
  const calls = [
    () => largeCaller.call(length, [bytes]),
    () => largeCaller.duplex(repeat, [bytes], []).next(),
    () => smallCaller.call(zeros, [bytes.length]),
    () => smallCaller.stream(item, [bytes.length]).next(),
    // With its envelope, of what both ends take.
    () => bothSmall.call(length, [new Uint8Array(MIB - 16)]),
  ];
  for (const call of calls) {
    await assert.rejects(async () => await call(), (error) => {
      assert.ok(error instanceof InvalidPayload, String(error));
      assert.match(error.message, /more than (the )?1048576 bytes/);
      return true;
    });
  }
});

Deno.test("a question about the worker is of 4 KiB at most, since it takes no place of a call", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines });
  await using caller = await openDispatcher(trust, worker.address);
  const health = createClient(Health, caller.transport);
  const { describe } = createClient(WorkerService, caller.transport);
  // A member that only newer workers know.
  const question = (bytes: number) => {
    const length = [bytes & 0x7f | 0x80, bytes >> 7];
    const data = new Uint8Array([...length, ...new Uint8Array(bytes)]);
    const request = create(DescribeRequestSchema);
    request.$unknown = [{ no: 99, wireType: WireType.LengthDelimited, data }];
    return request;
  };
  assert.equal((await describe(question(4000))).routines.length, 3);
  const tooLarge = { code: Code.ResourceExhausted };
  await assert.rejects(describe(question(5000)), tooLarge);
  await assert.rejects(health.check({ service: "x".repeat(5000) }), tooLarge);
  await assert.rejects(health.check({ service: "x".repeat(4000) }), { code: Code.NotFound });
});

Deno.test("how deep payloads nest, and of how many parts they are, is limited by either end", async () => {
  const trust = new Trust();
  await using shallow = await startWorker(trust, { routines, limits: { payloadDepth: 1 } });
  await using caller = await openDispatcher(trust, shallow.address);
  assert.equal(await caller.call(nested, [[]]), 0);
  await assert.rejects(caller.call(nested, [[[1]]]), InvalidPayload);

  await using worker = await startWorker(trust, { routines });
  await using modest = await openDispatcher(trust, worker.address, {
    limits: { payloadContainers: 2 },
  });
  assert.equal(await modest.call(nested, [[]]), 0);
  await assert.rejects(modest.call(nested, [[[1]]]), InvalidPayload);
});

Deno.test("what a verdict may cost is limited by either end", async () => {
  const trust = new Trust();
  const limits = { verdict: { chainBytes: 16 } };
  await using strict = await startWorker(trust, { routines, limits });
  await using caller = await openDispatcher(trust, strict.address);
  await assert.rejects(caller.call(zeros, [1]), (error) => {
    assert.ok(error instanceof HandshakeError, String(error));
    assert.equal(error.peerReason, "certificate-unsuitable");
    return true;
  });

  await using worker = await startWorker(trust, { routines });
  await using strictCaller = await openDispatcher(trust, worker.address, { limits });
  await assert.rejects(strictCaller.call(zeros, [1]), {
    name: "HandshakeError",
    side: "dispatcher",
    reason: "certificate-unsuitable",
  });
});

Deno.test("HTTP/2 limits of a dispatcher hold for what a worker answers", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines });
  await using caller = await openDispatcher(trust, worker.address, {
    limits: { http2: { streamWindowBytes: 1024, maxStreamWindowBytes: 1024 } },
  });
  assert.equal((await caller.call(zeros, [MIB])).length, MIB);
});

Deno.test("a worker whose connections may hold little together cuts off the one that holds most", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines, limits: { heldBytes: 100_000 } });
  await using caller = await openDispatcher(trust, worker.address);
  assert.equal(await caller.call(length, [new Uint8Array(1_000)]), 1_000);
  await assert.rejects(caller.call(zeros, [3 * MIB]), { name: "WorkerUnavailable" });
  assert.equal(await caller.call(length, [new Uint8Array(1_000)]), 1_000);
});

Deno.test("a worker that may gather little takes no large message, and small ones all the same", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines, limits: { gatheredBytes: 400_000 } });
  await using caller = await openDispatcher(trust, worker.address);
  await assert.rejects(caller.call(length, [new Uint8Array(MIB)]), { name: "Overloaded" });
  assert.equal(await caller.call(length, [new Uint8Array(60_000)]), 60_000);
});

Deno.test("a discovery of 6,000 addresses costs a dispatcher no more than the workers it may use", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines, listen: "0.0.0.0:0" });
  const port = worker.address.split(":").at(-1)!;
  const found = Array.from({ length: 6_000 }, (_, at) => `127.1.${at >> 8}.${at & 255}:${port}`);
  await using dispatcher = await openDispatcher(trust, found, { limits: { maxWorkers: 4 } });
  await dispatcher.ready({ min: 4 });
  assert.equal(await dispatcher.call(length, [new Uint8Array(3)]), 3);
  assert.equal(dispatcher.workers().length, 4);
});

Deno.test("watches of a worker's health have places of their own, so many for each peer", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines });
  const connections = await Promise.all(
    ["greedy", "modest"].map((name) => connect(trust, worker, name)),
  );
  const [greedy, modest] = connections as [ClientConnection, ClientConnection];
  try {
    const watches = Array.from({ length: WATCHES_OF_PEER }, () => watch(greedy));
    for (const { first } of watches) assert.equal(await first, "SERVING");
    assert.equal(await watch(greedy).first, String(Code.ResourceExhausted));
    assert.equal(await watch(modest).first, "SERVING");
    await using caller = await openDispatcher(trust, worker.address);
    assert.equal(await caller.call(length, [new Uint8Array(3)]), 3);
    watches[0]!.leave();
    await greedy.ping();
    assert.equal(await watch(greedy).first, "SERVING");
  } finally {
    for (const connection of connections) connection.abort(ErrorCode.NO_ERROR);
  }
});

/** Watches of its health, and other calls about it, that a worker answers one peer at once. */
const WATCHES_OF_PEER = 256;

async function connect(trust: Trust, { address }: WorkerServer, name: string) {
  const pem = trust.clientPem(`spiffe://example.org/client/${name}`);
  const assembled = assemble(pem, Date.now());
  assert.ok(assembled.kind === "usable");
  const { connection } = await dialPeer(parseAddress(address), {
    worker: { address },
    credentials: { ...assembled.material, generation: 1 },
    expected: [parsePattern(WORKER_ID)],
  });
  return connection;
}

/** Watches the worker's health: what comes first, its status or the `grpc-status` of a refusal. */
function watch(connection: ClientConnection) {
  const fields = post("/grpc.health.v1.Health/Watch", "application/grpc+proto", "te", "trailers");
  const { promise: first, resolve } = Promise.withResolvers<string>();
  const refused = (fields: HeaderList) => {
    const status = headerValue(fields, "grpc-status");
    if (status !== undefined) resolve(status);
  };
  const stream = connection.open(fields, {
    headers: refused,
    data: () => resolve("SERVING"),
    trailers: refused,
    closed: ({ how }) => resolve(how),
  }, { endStream: false });
  stream.sendData(enveloped(new Uint8Array(0)), true);
  return { first, leave: () => stream.reset(ErrorCode.CANCEL) };
}
