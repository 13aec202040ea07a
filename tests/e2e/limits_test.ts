/** The limits of either end are options, and hold where they are said to. */
import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { HandshakeError, InvalidPayload } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

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
