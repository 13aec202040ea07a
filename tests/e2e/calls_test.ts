import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import {
  DeadlineExceeded,
  InvalidPayload,
  NoWorkersAvailable,
  Overloaded,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { Trust, WORKER_ID } from "./trust.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { WorkerProcess } from "./worker_process.ts";

/** Waits until the routines of a worker have marked something. */
async function marked(dispatcher: Dispatcher, mark: string): Promise<void> {
  await dispatcher.call(routines.untilMarked, [mark]);
}

/** One worker and its dispatcher, both here. */
async function pair(options: Parameters<typeof startWorker>[1] = {}) {
  const trust = new Trust();
  const stack = new AsyncDisposableStack();
  const worker = stack.use(await startWorker(trust, { limits: { drainGraceMs: 0 }, ...options }));
  const dispatcher = stack.use(await openDispatcher(trust, worker.address));
  return { worker, dispatcher, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("a caller's abort is thrown as it is, and reaches the routine within 50 ms", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  // On a busy machine any of them may be late, all of them only where something is wrong.
  const taken: number[] = [];
  for (let attempt = 0; attempt < 50 && !taken.some((ms) => ms < 50); attempt++) {
    const name = `abort-${attempt}`;
    const caller = new AbortController();
    const call = dispatcher.call(routines.wait, [name], { signal: caller.signal });
    await marked(dispatcher, `${name}:began`);
    const reason = new RangeError("changed my mind");
    const abortedAt = performance.now();
    caller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    await marked(dispatcher, `${name}:AbortError`);
    taken.push(performance.now() - abortedAt);
  }
  assert.ok(taken.some((ms) => ms < 50), `it took ${taken} ms`);
});

Deno.test("what listens to a call's signal is in no other call, when its time is over or its caller leaves", async () => {
  const found: (readonly [own: string, here: string | undefined])[] = [];
  const last = Promise.withResolvers<void>();
  // On a busy machine the time of a call may be over before it begins.
  let begun = 0;
  const heard = routine("heard", async (isLast: boolean) => {
    const { signal, id } = currentCall();
    begun++;
    if (isLast) last.resolve();
    await new Promise<void>((over) => {
      signal.addEventListener("abort", () => {
        found.push([id, idHere()]);
        over();
      });
    });
  });
  await using open = await pair({ routines: [heard] });
  await Promise.all(Array.from({ length: 40 }, async () => {
    const late = open.dispatcher.call(heard, [false], { timeoutMs: 200 });
    await assert.rejects(late, DeadlineExceeded);
  }));
  const caller = new AbortController();
  const left = open.dispatcher.call(heard, [true], { signal: caller.signal });
  await last.promise;
  caller.abort();
  await assert.rejects(left, { name: "AbortError" });
  while (found.length < begun) await new Promise((turn) => setImmediate(turn));
  assert.deepEqual(found.filter(([own, here]) => here !== undefined && here !== own), []);
});

function idHere(): string | undefined {
  try {
    return currentCall().id;
  } catch {
    return undefined;
  }
}

Deno.test("the stack of a call's error shows where the program called", async () => {
  await using open = await pair();
  async function theCaller(): Promise<unknown> {
    return await open.dispatcher.call(routine("no.such.routine", () => 1), []);
  }
  await assert.rejects(theCaller(), (error) => {
    assert(error instanceof UnknownRoutine);
    assert.match(error.stack ?? "", /theCaller/);
    return true;
  });
});

Deno.test("a signal that has aborted before the call is thrown, and nothing is called", async () => {
  await using open = await pair();
  const signal = AbortSignal.abort(new RangeError("too late"));
  await assert.rejects(
    open.dispatcher.call(routines.wait, ["never"], { signal }),
    new RangeError("too late"),
  );
  const marks = await open.dispatcher.call(routines.marked, []);
  assert.ok(!marks.includes("never:began"));
});

Deno.test("a deadline ends the call, and reaches the routine's signal", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  // It is connected, so that the deadline falls into the call; where it falls before the routine, a longer one is taken.
  await dispatcher.call(routines.add, [1, 2]);
  for (let timeoutMs = 250, began = false; !began; timeoutMs *= 2) {
    const error = await dispatcher.call(routines.wait, ["late"], { timeoutMs })
      .catch((error) => error);
    assert.ok(error instanceof DeadlineExceeded, String(error));
    assert.equal(error.timeoutMs, timeoutMs);
    began = (await dispatcher.call(routines.marked, [])).includes("late:began");
  }
  await marked(dispatcher, "late:DeadlineExceeded");
});

Deno.test("a deadline also ends a call that finds no worker in time", async () => {
  const trust = new Trust();
  // Accepts connections, and never says a word.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  await using dispatcher = await openDispatcher(trust, `127.0.0.1:${port}`);
  await assert.rejects(
    dispatcher.call(routines.add, [1, 2], { timeoutMs: 50 }),
    DeadlineExceeded,
  );
});

Deno.test("an unknown routine is reported with the nearest name, and the worker is unharmed", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  const error = await dispatcher.call(routine<() => number>("math.ad"), [])
    .catch((error) => error);
  assert.ok(error instanceof UnknownRoutine);
  assert.equal(error.nearest, "math.add");
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("a routine that one worker lacks is found at another", async () => {
  const trust = new Trust();
  await using other = await startWorker(trust, { routines: { count: routines.count } });
  await using adder = await startWorker(trust, { routines: { add: routines.add } });
  await using dispatcher = await openDispatcher(trust, [other.address, adder.address]);
  await dispatcher.ready({ min: 2 });
  const events = dispatcher.events();
  for (let n = 0; n < 4; n++) assert.equal(await dispatcher.call(routines.add, [n, 1]), n + 1);
  // Both have said what they serve; what neither lists is asked of both.
  await assert.rejects(dispatcher.call(routines.fail, ["text"]), UnknownRoutine);
  const { value: event } = await events.next();
  assert.ok(event?.type === "dispatch.retried");
  assert.deepEqual([event.cause, event.routine], ["routine-unknown", routines.fail.name]);
});

Deno.test("what cannot travel is reported before anything is sent, or by an unharmed worker", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  await assert.rejects(dispatcher.call(routines.add, [(() => 1) as never]), InvalidPayload);
  await assert.rejects(dispatcher.call(routines.fail, ["class"]), InvalidPayload);
  const thrown = await dispatcher.call(routines.fail, ["text"]).catch((error) => error);
  assert.ok(thrown instanceof RoutineError);
  assert.equal(thrown.cause, "not an error");
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});

Deno.test("a worker without room refuses, and the call goes to one that has some", async () => {
  const trust = new Trust();
  const limits = { concurrency: 1, drainGraceMs: 0 };
  await using first = await startWorker(trust, { limits });
  await using second = await startWorker(trust, { limits });
  await using dispatcher = await openDispatcher(trust, [first.address, second.address]);
  await dispatcher.ready({ min: 2 });
  const caller = new AbortController();
  const held = [1, 2].map((n) =>
    dispatcher.call(routines.wait, [`held-${n}`], { signal: caller.signal }).catch(() => {})
  );
  await assert.rejects(dispatcher.call(routines.add, [1, 2]), Overloaded);
  assert.deepEqual([first.inFlight, second.inFlight], [1, 1]);
  caller.abort();
  await Promise.all(held);
});

Deno.test("a call whose worker dies is not made again, unless it is idempotent", async () => {
  const trust = new Trust();
  const options = { allow: "*" };
  await using mortal = await WorkerProcess.start({ pem: trust.worker(), options });
  await using dispatcher = await openDispatcher(trust, mortal.address);
  const error = await dispatcher.call(routines.die, ["once"]).catch((error) => error);
  assert.ok(error instanceof WorkerUnavailable, String(error));
  assert.equal(error.notBegun, false);

  await using second = await WorkerProcess.start({ pem: trust.worker(), options });
  await using survivor = await startWorker(trust, {
    routines: { die: routine("test.die", (name: string) => name.length), marked: routines.marked },
  });
  await using both = await openDispatcher(trust, [second.address, survivor.address]);
  await both.ready({ min: 2 });
  const idempotent = routine<(name: string) => number>("test.die", { idempotent: true });
  const answers = await Promise.all([1, 2].map(() => both.call(idempotent, ["again"])));
  assert.deepEqual(answers, [5, 5]);
});

Deno.test("a stream that nobody reads starts nothing, and one that is left runs its finally", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  dispatcher.stream(routines.count, ["unread", 5]);
  for await (const n of dispatcher.stream(routines.count, ["left", 1_000])) if (n === 3) break;
  await marked(dispatcher, "left:finally:true");
  const marks = await dispatcher.call(routines.marked, []);
  assert.ok(!marks.some((mark) => mark.startsWith("unread")));
});

Deno.test("a stream runs no further ahead of its reader than it is allowed", async () => {
  await using open = await pair();
  const { dispatcher } = open;
  const stream = dispatcher.stream(routines.count, ["ahead", 1_000], { ahead: 4 });
  for (let n = 1; n <= 10; n++) assert.equal((await stream.next()).value, n);
  await marked(dispatcher, "ahead:12");
  // Whatever was under way has arrived by the time that some other calls were answered.
  for (let n = 0; n < 20; n++) await dispatcher.call(routines.add, [n]);
  const marks = await dispatcher.call(routines.marked, []);
  const furthest = Math.max(
    ...marks.filter((mark) => /^ahead:\d/.test(mark)).map((mark) => Number(mark.slice(6))),
  );
  assert.ok(furthest >= 12 && furthest <= 14, `it got to ${furthest}`);
  await stream.return();
  await marked(dispatcher, "ahead:finally:true");
});

Deno.test("a duplex call reads its caller's items only as the routine takes them", async () => {
  await using open = await pair();
  let read = 0;
  let closed = false;
  async function* numbers() {
    try {
      for (;;) yield ++read;
    } finally {
      closed = true;
    }
  }
  const sums = open.dispatcher.duplex(routines.tally, numbers(), [0], { ahead: 4 });
  for (let n = 0; n < 10; n++) await sums.next();
  assert.ok(read >= 10 && read <= 24, `read ${read}`);
  await sums.return();
  assert.equal(closed, true);
});

Deno.test("what a duplex call's source throws is thrown to the caller", async () => {
  await using open = await pair();
  async function* numbers() {
    yield 1;
    throw new RangeError("no more");
  }
  const sums = open.dispatcher.duplex(routines.tally, numbers(), [0]);
  await assert.rejects(Array.fromAsync(sums), new RangeError("no more"));
});

Deno.test("a call goes to a worker that carries the tags it asks for, as the worker reports them", async () => {
  const trust = new Trust();
  await using plain = await startWorker(trust);
  await using tagged = await startWorker(trust, { tags: ["gpu", "eu"], id: "worker-7" });
  await using dispatcher = await openDispatcher(trust, [plain.address, tagged.address]);
  for (let n = 0; n < 4; n++) {
    const { tags } = await dispatcher.call(routines.whoami, [], { tags: ["gpu"] });
    assert.deepEqual(tags, ["gpu"]);
  }
  const [, worker] = dispatcher.workers();
  assert.deepEqual([worker?.id, worker?.tags], ["worker-7", ["gpu", "eu"]]);
  await assert.rejects(dispatcher.call(routines.whoami, [], { tags: ["us"] }), NoWorkersAvailable);
});

Deno.test("a routine calls others with its worker's credentials, and is named as their parent", async () => {
  const trust = new Trust();
  await using next = await startWorker(trust, { allow: WORKER_ID });
  await using first = await startWorker(trust, {
    dispatcher: { discovery: `static:${next.address}`, identity: WORKER_ID },
  });
  await using dispatcher = await openDispatcher(trust, first.address);
  const relayed = await dispatcher.call(routines.relay, []);
  assert.equal(relayed.parentOfNext, relayed.id);
  assert.equal(relayed.identityThere, WORKER_ID);
});

Deno.test("discovery that finds no worker is reported as such", async () => {
  const trust = new Trust();
  const discovery = {
    source: "nobody:",
    namesWorkers: true,
    async *watch() {
      yield [];
    },
  };
  await using dispatcher = await openDispatcher(trust, "127.0.0.1:1", { discovery });
  await assert.rejects(dispatcher.call(routines.add, [1, 2]), NoWorkersAvailable);
  await assert.rejects(dispatcher.ready({ timeoutMs: 10 }), NoWorkersAvailable);
});

Deno.test("ready() reports how many workers became ready in time, and each one's reason where all failed", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using half = await openDispatcher(trust, [worker.address, "127.0.0.1:1"]);
  await half.call(routines.add, [1, 2]);
  await assert.rejects(half.ready({ min: 2, timeoutMs: 100 }), {
    name: "DeadlineExceeded",
    message: "1 of 2 workers were ready within 100 ms",
  });
  await using none = await openDispatcher(trust, ["127.0.0.1:1", "127.0.0.1:2"]);
  await assert.rejects(none.call(routines.add, [1, 2]), { name: "AllWorkersFailed" });
  await assert.rejects(none.ready({ timeoutMs: 100 }), { name: "AllWorkersFailed" });
  await using one = await openDispatcher(trust, "127.0.0.1:1");
  await assert.rejects(one.call(routines.add, [1, 2]), { name: "WorkerUnavailable" });
  await assert.rejects(one.ready({ timeoutMs: 100 }), { name: "WorkerUnavailable" });
});

Deno.test("a routine whose worker has no dispatcher may look for one, and gets an error when it calls", async () => {
  const looks = routine("looks", () => {
    const { dispatcher } = currentCall();
    return dispatcher.workers().length;
  });
  const calls = routine("calls", () => currentCall().dispatcher.call(looks, []));
  await using worker = await WorkerServer.start({ routines: { looks, calls } });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  assert.equal(await dispatcher.call(looks, []), 0);
  await assert.rejects(dispatcher.call(calls, []), /have no dispatcher/);
});

Deno.test("a worker that drains finishes its calls, and takes no new ones", async () => {
  const [began, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = routine("test.held", async () => {
    began.resolve();
    await released.promise;
    return "finished";
  });
  await using open = await pair({ routines: { ...routines, held }, limits: {} });
  const { dispatcher, worker } = open;
  const call = dispatcher.call(held, []);
  await began.promise;
  assert.equal(worker.inFlight, 1);
  const events = worker.events();
  const drained = worker.drain({ graceMs: 600_000 });
  await assert.rejects(dispatcher.call(routines.add, [1, 2]), WorkerUnavailable);
  released.resolve();
  assert.equal(await call, "finished");
  await drained;
  const types = (await Array.fromAsync(events)).map(({ type }) => type);
  assert.deepEqual(types.filter((type) => type.startsWith("worker.")), [
    "worker.draining",
    "worker.stopped",
  ]);
});

Deno.test("a worker with mutual TLS on a unix socket is called there, and has its address for a URL", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const trust = new Trust();
  const listen = `unix:${folder}/worker.sock`;
  const worker = stack.use(await startWorker(trust, { listen }));
  assert.deepEqual([worker.security, worker.url], ["mutual-tls", listen]);
  const dispatcher = stack.use(await openDispatcher(trust, worker.address));
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
});
