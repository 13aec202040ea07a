/** What a caller gets when no worker takes its call: from none, by one, by each in its own words. */
import assert from "node:assert/strict";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import type { Dispatcher } from "../../src/dispatch/mod.ts";
import {
  AllWorkersFailed,
  HandshakeError,
  NoWorkersAvailable,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import { Health } from "../../src/gen/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../support/peers.ts";
import { add, credentialsOf, openDispatcher, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const CLIENT: Shown = {
  certificate: certificateShapes(authorities, CLIENT_ID).fine(),
  trusts: [root],
};
/** Nobody listens there, and nobody is asked twice in these tests. */
const NOWHERE = "127.0.0.1:1";

const count = routine("math.count", async function* (limit: number) {
  yield limit;
});
const tally = duplexRoutine("math.tally", async function* (input: AsyncIterable<number>) {
  yield* input;
});

/** Every way to make a call, and what it throws; on the transport what it gives as the cause. */
const WAYS: readonly (readonly [string, (dispatcher: Dispatcher) => Promise<unknown>])[] = [
  ["call", (dispatcher) => dispatcher.call(add, [1, 2])],
  ["stream", (dispatcher) => Array.fromAsync(dispatcher.stream(count, [1]))],
  ["duplex", (dispatcher) => Array.fromAsync(dispatcher.duplex(tally, [1], []))],
  ["transport, unary", ({ transport }) => causeOf(createClient(Health, transport).check({}))],
  ["transport, stream", ({ transport }) => causeOf(watched(transport))],
];

async function watched(transport: Transport): Promise<void> {
  await Array.fromAsync(createClient(Health, transport).watch({}));
}

async function causeOf(call: Promise<unknown>): Promise<never> {
  const error: unknown = await call.catch((error) => error);
  assert.ok(error instanceof ConnectError, String(error));
  throw error.cause;
}

/** The result of a failed attempt in one word. */
function wordOf(error: Error): string {
  return error instanceof HandshakeError ? error.reason : error.name;
}

for (const [way, call] of WAYS) {
  Deno.test(`${way} throws NoWorkersAvailable where discovery found none`, async () => {
    await using dispatcher = await openDispatcher(undefined, [], {
      discovery: { source: "empty:", namesWorkers: true, watch: () => nobody() },
    });
    await assert.rejects(call(dispatcher), NoWorkersAvailable);
  });

  Deno.test(`${way} throws the error of the one worker that was known`, async () => {
    await using worker = await startWorker({ certificate: ofWorker.expired(), trusts: [root] });
    await using dispatcher = await openDispatcher(CLIENT, worker.address);
    await assert.rejects(call(dispatcher), {
      name: "HandshakeError",
      reason: "certificate-expired",
    });
  });

  Deno.test(`${way} throws every worker's own error where several are known`, async () => {
    await using expired = await startWorker({ certificate: ofWorker.expired(), trusts: [root] });
    await using other = await startWorker(
      { certificate: ofWorker["other-identity"](), trusts: [root] },
    );
    await using choosy = await startWorker({ certificate: ofWorker.fine(), trusts: [root] }, {
      allow: "spiffe://example.org/nobody",
    });
    const expected = new Map([
      [expired.address, "certificate-expired"],
      [other.address, "identity-mismatch"],
      [choosy.address, "client-certificate-refused"],
    ]);
    const wordsOf = async (addresses: Iterable<string>, handshakeOnly: boolean) => {
      await using dispatcher = await openDispatcher(CLIENT, [...addresses]);
      const error: unknown = await call(dispatcher).catch((error) => error);
      assert.ok(error instanceof AllWorkersFailed, String(error));
      assert.ok(!(error instanceof NoWorkersAvailable));
      assert.equal(error.handshakeOnly, handshakeOnly);
      return new Map(
        error.failures.map(({ worker, error }) => [worker.address, wordOf(error)]),
      );
    };
    assert.deepEqual(sorted(await wordsOf(expected.keys(), true)), sorted(expected));
    const mixed = new Map([...expected, [NOWHERE, "WorkerUnavailable"]]);
    assert.deepEqual(sorted(await wordsOf(mixed.keys(), false)), sorted(mixed));
  });
}

async function* nobody(): AsyncGenerator<never> {}

function sorted(words: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return [...words].sort();
}

Deno.test("workers() of a dispatcher and of a pool report each worker's last failure, and count by reason", async () => {
  await using expired = await startWorker({ certificate: ofWorker.expired(), trusts: [root] });
  await using dispatcher = await openDispatcher(CLIENT, [expired.address, NOWHERE]);
  await using pool = await WorkerPool.open({
    discovery: `static:${expired.address},${NOWHERE}`,
    credentials: credentialsOf(CLIENT),
    identity: WORKER_ID,
  });
  for (const caller of [dispatcher, pool]) {
    await assert.rejects(caller.call(add, [1, 2]), AllWorkersFailed);
    const reported = new Map(caller.workers().map((worker) => [worker.address, worker]));
    const refused = reported.get(expired.address);
    // Failing workers are dialled again: a retry may be under way.
    assert.ok(refused?.state === "failing" || refused?.state === "connecting", refused?.state);
    assert.deepEqual(Object.keys(refused.handshakeFailures), ["certificate-expired"]);
    assert.equal((refused.lastFailure as HandshakeError).reason, "certificate-expired");
    const unreachable = reported.get(NOWHERE);
    assert.deepEqual(unreachable?.handshakeFailures, {});
    assert.ok(unreachable.lastFailure instanceof WorkerUnavailable);
  }
});
