/** What a worker does with more calls than it has places for, and what their callers notice. */
import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { AllWorkersFailed, Overloaded } from "../../src/errors/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import type { AdmittableCall } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

/** A routine whose calls run until they are let go. */
function gated() {
  const running: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const hold = routine("admission.hold", async (name: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    running.push(resolve);
    waiting.shift()?.();
    await promise;
    return name;
  });
  /** Resolves once a further call runs. */
  const entered = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { hold, running, entered };
}

Deno.test("a call waits for a place where a queue is asked for, and runs once there is one", async () => {
  const trust = new Trust();
  const { hold, running, entered } = gated();
  const limits = { concurrency: 1, queueCalls: 1, queueTimeoutMs: 60_000 };
  await using worker = await startWorker(trust, { routines: { hold }, limits });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const first = entered();
  const one = dispatcher.call(hold, ["one"]);
  await first;
  const two = dispatcher.call(hold, ["two"]);
  // The second waits, so a third is too many.
  await assert.rejects(dispatcher.call(hold, ["three"]), (error) => {
    assert.ok(error instanceof Overloaded, String(error));
    assert.equal(error.notBegun, true);
    return true;
  });
  assert.equal(running.length, 1);
  const second = entered();
  running[0]!();
  await second;
  running[1]!();
  assert.deepEqual(await Promise.all([one, two]), ["one", "two"]);
});

Deno.test("a call that is cancelled while it waits never runs, and leaves its room to another", async () => {
  const trust = new Trust();
  const { hold, running, entered } = gated();
  const limits = { concurrency: 1, queueCalls: 1, queueTimeoutMs: 60_000 };
  const queued: number[] = [];
  const arrived = Promise.withResolvers<void>();
  await using worker = await startWorker(trust, {
    routines: { hold },
    limits,
    admit: (call) => {
      if (queued.push(call.queued) === 4) arrived.resolve();
    },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const first = entered();
  const one = dispatcher.call(hold, ["one"]);
  await first;
  const leaving = new AbortController();
  const gone = dispatcher.call(hold, ["gone"], { signal: leaving.signal });
  await assert.rejects(dispatcher.call(hold, ["too many"]), Overloaded);
  leaving.abort(new Error("not needed any more"));
  await assert.rejects(gone, /not needed/);
  const two = dispatcher.call(hold, ["two"]);
  await arrived.promise;
  const second = entered();
  running[0]!();
  await second;
  running[1]!();
  assert.deepEqual(await Promise.all([one, two]), ["one", "two"]);
  assert.equal(running.length, 2);
  assert.deepEqual(queued, [0, 0, 1, 0]);
});

Deno.test("a worker that leaves refuses the calls that wait, and they go elsewhere", async () => {
  const trust = new Trust();
  const { hold, running, entered } = gated();
  const limits = { concurrency: 1, queueCalls: 1, queueTimeoutMs: 60_000, drainGraceMs: 60_000 };
  const arrived = Promise.withResolvers<void>();
  const leaving = await startWorker(trust, {
    routines: { hold },
    limits,
    admit: ({ inFlight }) => inFlight > 0 ? arrived.resolve() : undefined,
  });
  await using staying = await startWorker(trust, {
    routines: { hold: routine("admission.hold", (name: string) => `${name}, elsewhere`) },
  });
  await using dispatcher = await openDispatcher(trust, leaving.address);
  await using elsewhere = await openDispatcher(trust, [leaving.address, staying.address], {
    balancer: (workers) => workers.find(({ address }) => address === leaving.address)!,
  });
  await elsewhere.ready({ min: 2 });
  const first = entered();
  const one = dispatcher.call(hold, ["one"]);
  await first;
  const two = elsewhere.call(hold, ["two"]);
  await arrived.promise;
  const stopped = leaving[Symbol.asyncDispose]();
  assert.equal(await two, "two, elsewhere");
  running[0]!();
  assert.equal(await one, "one");
  await stopped;
});

Deno.test("the admit hook refuses calls by load, and they go elsewhere before they begin", async () => {
  const trust = new Trust();
  const ran: string[] = [];
  const asked: AdmittableCall[] = [];
  const where = (name: string) =>
    routine("admission.where", (at: number) => {
      ran.push(`${name} ${at}`);
      return name;
    });
  await using busy = await startWorker(trust, {
    routines: { where: where("busy") },
    admit: (call) => {
      asked.push(call);
      return "it is busy";
    },
  });
  await using free = await startWorker(trust, { routines: { where: where("free") } });
  await using dispatcher = await openDispatcher(trust, [busy.address, free.address], {
    balancer: (workers) => workers.find(({ address }) => address === busy.address)!,
  });
  await dispatcher.ready({ min: 2 });
  assert.equal(await dispatcher.call(where("any"), [1], { timeoutMs: 60_000 }), "free");
  assert.deepEqual(ran, ["free 1"]);
  const [call] = asked as [AdmittableCall];
  assert.equal(call.name, "admission.where");
  assert.equal(call.peer.identity, "spiffe://example.org/client/a");
  assert.deepEqual([call.inFlight, call.queued], [0, 0]);
  assert.ok(call.timeoutMs! <= 60_000);
});

Deno.test("an admit hook that throws refuses the call, and is reported", async () => {
  const trust = new Trust();
  const where = routine("admission.where", () => "here");
  await using worker = await startWorker(trust, {
    routines: { where },
    admit: () => Promise.reject(new RangeError("the hook is broken")),
  });
  const fault = firstOf(worker.events(), "worker.fault");
  await using dispatcher = await openDispatcher(trust, worker.address);
  await assert.rejects(dispatcher.call(where, []), {
    name: "Overloaded",
    message: /admit hook failed/,
  });
  assert.equal((await fault).part, "admit");
});

Deno.test("one dispatcher that takes every place does not starve another", async () => {
  const trust = new Trust();
  const { hold, running, entered } = gated();
  const limits = { concurrency: 4, concurrencyPerPeer: 3, queueCalls: 8, queueTimeoutMs: 60_000 };
  await using worker = await startWorker(trust, { routines: { hold }, limits });
  await using greedy = await openDispatcher(trust, worker.address);
  await using modest = await openDispatcher(trust, worker.address, {
    credentials: trust.client("spiffe://example.org/client/modest"),
  });
  const calls: Promise<string>[] = [];
  for (let call = 0; call < 3; call++) {
    const next = entered();
    calls.push(greedy.call(hold, [`greedy ${call}`]));
    await next;
  }
  calls.push(...Array.from({ length: 8 }, (_, call) => greedy.call(hold, [`waits ${call}`])));
  await assert.rejects(greedy.call(hold, ["too many"]), Overloaded);
  const next = entered();
  const other = modest.call(hold, ["modest"]);
  await next;
  assert.equal(running.length, 4);
  running[3]!();
  assert.equal(await other, "modest");
  for (let call = 0; call < 12; call++) {
    while (running[call] === undefined) await entered();
    running[call]!();
  }
  assert.equal((await Promise.all(calls)).length, 11);
});

Deno.test("calls that every worker refuses say so, and that they never began", async () => {
  const trust = new Trust();
  const where = routine("admission.where", () => "here");
  const options = { routines: { where }, admit: () => false };
  await using one = await startWorker(trust, options);
  await using two = await startWorker(trust, options);
  await using dispatcher = await openDispatcher(trust, [one.address, two.address]);
  await assert.rejects(dispatcher.call(where, []), (error) => {
    assert.ok(error instanceof Overloaded && !(error instanceof AllWorkersFailed));
    assert.equal(error.notBegun, true);
    return true;
  });
});

async function firstOf<Type extends SelvageEvent["type"]>(
  events: AsyncIterable<SelvageEvent>,
  type: Type,
): Promise<Extract<SelvageEvent, { type: Type }>> {
  for await (const event of events) {
    if (event.type === type) return event as Extract<SelvageEvent, { type: Type }>;
  }
  throw new Error("the events ended");
}
