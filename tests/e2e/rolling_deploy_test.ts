/** A fleet in the middle of a deploy: half of it has a routine that the other half lacks, or another version. */
import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { UnknownRoutine } from "../../src/errors/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const { signal } = new AbortController();
const price = (version: string) =>
  routine("shop.price", { version }, (cents: number) => `${cents} in ${version}`);
const refund = routine("shop.refund", { version: "2" }, (cents: number) => -cents);
const before = { price: price("1") };
const after = { price: price("2"), refund };

Deno.test("while a fleet is deployed, calls of a new routine go where it is, and none of the old one fails", async () => {
  const trust = new Trust();
  const registry = memoryDiscovery();
  await using fleet = new AsyncDisposableStack();
  const start = async (routines: typeof before | typeof after) => {
    const worker = fleet.use(await startWorker(trust, { routines }));
    const { id, address } = worker;
    const lease = await registry.announce({ id, address, tls: true, tags: [] }, { signal });
    return { worker, lease };
  };
  const old = [await start(before), await start(before), await start(before)];
  await using dispatcher = await openDispatcher(trust, "", { discovery: registry });
  await assert.rejects(dispatcher.call(refund, [5]), UnknownRoutine);
  const versions = new Set<string>();
  for (const { worker, lease } of old) {
    await start(after);
    const calls = Array.from({ length: 20 }, (_, at) => dispatcher.call(before.price, [at]));
    const refunds = Array.from({ length: 20 }, (_, at) => dispatcher.call(refund, [at + 1]));
    await replaced(worker, lease);
    for (const answer of await Promise.all(calls)) versions.add(answer.split(" in ")[1]!);
    assert.deepEqual(await Promise.all(refunds), refunds.map((_, at) => -1 - at));
  }
  assert.ok(versions.has("2"), [...versions].join());
  // Nothing of the first version is left.
  assert.equal(await dispatcher.call(before.price, [7]), "7 in 2");
});

Deno.test("once connected, a worker is asked only for what it serves", async () => {
  const trust = new Trust();
  await using fleet = new AsyncDisposableStack();
  const addresses: string[] = [];
  for (const routines of [before, before, after]) {
    addresses.push(fleet.use(await startWorker(trust, { routines })).address);
  }
  await using dispatcher = await openDispatcher(trust, addresses);
  await dispatcher.ready({ min: 3 });
  using events = dispatcher.events();
  for (let at = 1; at <= 20; at++) {
    assert.equal(await dispatcher.call(refund, [at]), -at);
    assert.equal(await dispatcher.call(refund, [at], { affinity: `${at}` }), -at);
  }
  const nowhere = routine("shop.nowhere", () => 0);
  await assert.rejects(dispatcher.call(nowhere, []), UnknownRoutine);
  // What no worker lists is asked of each; nothing before that was asked twice.
  for await (const event of events) {
    if (event.type !== "dispatch.retried") continue;
    assert.equal(event.routine, "shop.nowhere");
    break;
  }
});

Deno.test("while a fleet has two versions of a routine, each caller calls those of its own, and others where there is none", async () => {
  const trust = new Trust();
  await using fleet = new AsyncDisposableStack();
  const addresses: string[] = [];
  for (const routines of [before, after, before, after]) {
    addresses.push(fleet.use(await startWorker(trust, { routines })).address);
  }
  await using dispatcher = await openDispatcher(trust, addresses, { quorum: 4 });
  const answers = async (called: typeof before.price, affinity?: string) =>
    new Set(
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          dispatcher.call(called, [1], affinity === undefined ? {} : { affinity: affinity + at })),
      ),
    );
  for (const affinity of [undefined, "tenant-"]) {
    assert.deepEqual(await answers(before.price, affinity), new Set(["1 in 1"]));
    assert.deepEqual(await answers(after.price, affinity), new Set(["1 in 2"]));
  }
  assert.deepEqual(await answers(price("3"), "tenant-"), new Set(["1 in 1", "1 in 2"]));
  // A caller that declares no version calls any.
  const any = routine<(cents: number) => string>("shop.price");
  assert.deepEqual(await answers(any, "tenant-"), new Set(["1 in 1", "1 in 2"]));
});

/** Leaves discovery, finishes what it is at, and stops. */
async function replaced(worker: WorkerServer, lease: AsyncDisposable): Promise<void> {
  await lease[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();
}
