/** Every failed call leaves a trace: an event, a line of the log, a count, at both ends. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { RoutineError } from "../../src/errors/mod.ts";
import type { EventOf, EventStream, EventType } from "../../src/observe/mod.ts";
import { type WorkerLimits, WorkerServer } from "../../src/worker/mod.ts";
import { EchoRequestSchema, EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const METHOD = `${EchoService.typeName}/Echo`;
let hang: () => void = () => {};
let hanging: PromiseWithResolvers<void> = Promise.withResolvers();

const routines = {
  fails: routine("failed.fails", () => {
    throw new RangeError("out of range\nsecond line");
  }),
  failsLate: routine("failed.failsLate", async function* () {
    yield await Promise.resolve(1);
    throw new RangeError("late");
  }),
  failsAfterInput: duplexRoutine("failed.failsAfterInput", async function* (
    input: AsyncIterable<number>,
  ) {
    for await (const item of input) yield item;
    throw new RangeError("after input");
  }),
  declares: routine("failed.declares", () => {
    throw new RoutineError("x", { remoteName: "OutOfStock", message: "none left", data: {} });
  }),
  leaks: routine("failed.leaks", () => {
    throw Object.assign(new Error("no such file"), { code: "ENOENT", path: "/srv/secret" });
  }),
  hangs: routine("failed.hangs", () => {
    hanging.resolve();
    return new Promise<void>((resolve) => hang = resolve);
  }),
};

/** An error with a detail that is no message of its type. */
function unwritable(): ConnectError {
  const value = { count: -1 };
  return new ConnectError("x", Code.Aborted, undefined, [{ desc: EchoRequestSchema, value }]);
}

interface Stage extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  readonly atWorker: EventStream;
  readonly atDispatcher: EventStream;
  readonly lines: LogRecord[];
  readonly address: string;
}

let stages = 0;

async function stage(limits: WorkerLimits = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const lines: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => lines.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "debug", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  stack.defer(reset);
  const listen = `memory:failed-calls-${++stages}`;
  const worker = stack.use(
    await WorkerServer.start({
      listen,
      routines,
      limits,
      services: (router) =>
        router.service(EchoService, {
          echo: async ({ text }) => {
            if (text === "declared") throw new ConnectError("not there", Code.NotFound);
            if (text === "detail") throw unwritable();
            if (text === "hang") await new Promise<void>((resolve) => hang = resolve);
            if (text === "throw") throw new TypeError("a bug");
            return {};
          },
          converse: () => ({
            [Symbol.asyncIterator]: () => ({
              next() {
                throw new TypeError("a bug of an iterator");
              },
            }),
          }),
          repeat: async function* ({ text }) {
            yield {};
            if (text === "unwritable") yield { index: -1 };
            throw new TypeError("a late bug");
          },
        }),
    }),
  );
  const dispatcher = stack.use(await Dispatcher.open({ discovery: `static:${listen}` }));
  const atWorker = stack.use(worker.events());
  const atDispatcher = stack.use(dispatcher.events());
  return {
    dispatcher,
    atWorker,
    atDispatcher,
    lines,
    address: listen,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function next<Type extends EventType>(
  events: EventStream,
  type: Type,
): Promise<EventOf<Type>> {
  for (;;) {
    const { value: event, done } = await events.next();
    if (done === true) throw new Error(`no ${type}`);
    if (event.type === type) return event as EventOf<Type>;
  }
}

function failedAt(side: string, { type, side: end }: LogRecord["properties"]): boolean {
  return type === "call.failed" && end === side;
}

function lineOf(lines: readonly LogRecord[], origin: string): LogRecord {
  const found = lines.filter(({ properties }) => failedAt(origin, properties));
  assert.equal(found.length, 1);
  return found[0]!;
}

Deno.test("a routine that throws leaves an event and a line at both ends, its stack at the worker", async () => {
  await using on = await stage();
  await assert.rejects(on.dispatcher.call(routines.fails, []), RoutineError);
  const served = await next(on.atWorker, "call.failed");
  const { callId, peer, ...rest } = served;
  assert.match(callId ?? "", /./);
  assert.match(peer?.address ?? "", /memory/);
  assert.deepEqual({ ...rest, at: "", origin: "" }, {
    type: "call.failed",
    at: "",
    origin: "",
    side: "worker",
    kind: "routine",
    routine: "failed.fails",
    outcome: "routine-error",
    thrown: { name: "RangeError", message: "out of range\\nsecond line" },
    declared: false,
    unreported: 0,
  });
  const made = await next(on.atDispatcher, "call.failed");
  assert.deepEqual([made.side, made.callId, made.declared], ["dispatcher", callId, true]);
  assert.deepEqual(made.peer, { address: on.address });
  const line = lineOf(on.lines, "worker");
  assert.equal(line.level, "error");
  assert.match(String(line.properties["stack"]), /failed_calls_test/);
  assert.match(line.message.join(""), /call of .*failed\.fails.* by .*memory/);
  const madeLine = lineOf(on.lines, "dispatcher");
  assert.equal(madeLine.properties["stack"], undefined);
  assert.match(madeLine.message.join(""), /call of .*failed\.fails.* on .*memory/);
});

Deno.test("a call of any kind that fails says at the dispatcher which worker it was on", async () => {
  await using on = await stage();
  const { dispatcher } = on;
  const clients = [
    createClient(EchoService, dispatcher.transport),
    createClient(EchoService, dispatcher.transportFor({ useBinaryFormat: false })),
    createClient(EchoService, dispatcher.transportFor({ interceptors: [(next) => next] })),
  ];
  const calls: (() => Promise<unknown>)[] = [
    () => dispatcher.call(routines.fails, []),
    () => Array.fromAsync(dispatcher.stream(routines.failsLate, [])),
    () => Array.fromAsync(dispatcher.duplex(routines.failsAfterInput, [1], [])),
    ...clients.flatMap((client) => [
      () => client.echo({ text: "throw" }),
      () => Array.fromAsync(client.repeat({})),
    ]),
  ];
  for (const call of calls) {
    await assert.rejects(call());
    const { peer } = await next(on.atDispatcher, "call.failed");
    assert.deepEqual(peer, { address: on.address });
  }
  // None took it.
  await assert.rejects(
    dispatcher.call(routines.fails, [], { tags: ["none-has-it"], timeoutMs: 1 }),
  );
  assert.equal((await next(on.atDispatcher, "call.failed")).peer, undefined);
});

Deno.test("an error that a routine or a handler declares is logged as no fault", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  await assert.rejects(on.dispatcher.call(routines.declares, []), RoutineError);
  await assert.rejects(echo.echo({ text: "declared" }), { code: Code.NotFound });
  for (const name of ["RoutineError", "ConnectError"]) {
    const { thrown, declared } = await next(on.atWorker, "call.failed");
    assert.deepEqual([thrown.name, declared], [name, true]);
  }
  const levels = on.lines.filter(({ properties }) => failedAt("worker", properties)).map((
    { level },
  ) => level);
  assert.deepEqual(levels, ["info", "info"]);
});

Deno.test("a handler that throws leaves a trace at both ends, under its method's name", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  await assert.rejects(echo.echo({ text: "throw" }), { code: Code.Internal });
  await assert.rejects(Array.fromAsync(echo.repeat({})), { code: Code.Internal });
  const unary = await next(on.atWorker, "call.failed");
  assert.deepEqual([unary.kind, unary.routine, unary.thrown, unary.declared], [
    "service",
    METHOD,
    { name: "TypeError", message: "a bug" },
    false,
  ]);
  const stream = await next(on.atWorker, "call.failed");
  assert.equal(stream.thrown.message, "a late bug");
  const { routine, outcome } = await next(on.atDispatcher, "call.failed");
  assert.deepEqual([routine, outcome], [METHOD, "internal"]);
  const [line] = on.lines.filter(({ properties }) => failedAt("worker", properties));
  assert.equal(line?.level, "error");
  assert.match(String(line?.properties["stack"]), /failed_calls_test/);
});

Deno.test("an item that cannot be written leaves a trace at the worker", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  const items = Array.fromAsync(echo.repeat({ text: "unwritable" }));
  await assert.rejects(items, { code: Code.Internal });
  const { outcome, thrown } = await next(on.atWorker, "call.failed");
  assert.equal(outcome, "internal");
  assert.match(thrown.message, /^\[internal\] serialize binary/);
});

Deno.test("an iterator that throws at once leaves a trace at the worker", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  async function* nothing() {}
  await assert.rejects(Array.fromAsync(echo.converse(nothing())), { code: Code.Internal });
  const { outcome, thrown } = await next(on.atWorker, "call.failed");
  assert.deepEqual([outcome, thrown.message], ["internal", "a bug of an iterator"]);
});

Deno.test("a call that is refused before it begins leaves a trace at the worker, too", async () => {
  await using on = await stage({ concurrency: 1, concurrencyPerPeer: 1 });
  const unknown = on.dispatcher.call(routine<() => void>("failed.unknown"), []);
  await assert.rejects(unknown, { name: "UnknownRoutine" });
  const served = await next(on.atWorker, "call.failed");
  assert.deepEqual([served.routine, served.outcome, served.declared], [
    "(none)",
    "unknown-routine",
    true,
  ]);
  hanging = Promise.withResolvers();
  const held = on.dispatcher.call(routines.hangs, []);
  await hanging.promise;
  const echo = createClient(EchoService, on.dispatcher.transport);
  await assert.rejects(echo.echo({}), { code: Code.ResourceExhausted });
  const full = await next(on.atWorker, "call.failed");
  assert.deepEqual([full.routine, full.outcome], [METHOD, "overloaded"]);
  hang();
  await held;
});

Deno.test("a response of ours that cannot be written is a fault that the worker reports", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  await assert.rejects(echo.echo({ text: "detail" }), ConnectError);
  const fault = await next(on.atWorker, "worker.fault");
  assert.deepEqual([fault.part, fault.path], ["rpc", `/${METHOD}`]);
  assert.equal(
    on.lines.find(({ properties }) => properties["type"] === "worker.fault")?.level,
    "error",
  );
});

Deno.test("a call on transport that its caller aborts is cancelled, or late, whatever the reason", async () => {
  await using on = await stage();
  const echo = createClient(EchoService, on.dispatcher.transport);
  const reasons: [reason: unknown, code: Code][] = [
    [undefined, Code.Canceled],
    [new RangeError("of our own"), Code.Canceled],
    ["a text", Code.Canceled],
    [new DOMException("late", "TimeoutError"), Code.DeadlineExceeded],
  ];
  for (const [reason, code] of reasons) {
    for (const early of [true, false]) {
      const controller = new AbortController();
      if (early) controller.abort(reason);
      const call = echo.echo({ text: "hang" }, { signal: controller.signal });
      const failed = assert.rejects(call, (error) => {
        assert.ok(error instanceof ConnectError);
        assert.equal(error.code, code, `${reason}, ${early}: ${error}`);
        if (reason !== undefined) assert.equal(error.cause, reason);
        return true;
      });
      if (!early) queueMicrotask(() => controller.abort(reason));
      await failed;
      hang();
    }
  }
});

Deno.test("a caller gets the code of what a routine throws, and its other data only where the worker sends it", async () => {
  const dataOf = async (sendErrorData?: boolean) => {
    const listen = `memory:failed-calls-${++stages}`;
    await using _worker = await WorkerServer.start({ listen, routines, sendErrorData });
    await using dispatcher = await Dispatcher.open({ discovery: `static:${listen}` });
    const thrown = await dispatcher.call(routines.leaks, []).catch((error) => error);
    assert.ok(thrown instanceof RoutineError);
    return thrown.data;
  };
  assert.deepEqual(await dataOf(), { code: "ENOENT" });
  assert.deepEqual(await dataOf(true), { code: "ENOENT", path: "/srv/secret" });
});

Deno.test("a call whose input cannot be iterated has failed, and is recorded as such", async () => {
  await using on = await stage();
  const input: AsyncIterable<number> = {
    [Symbol.asyncIterator]() {
      throw new RangeError("no iterator");
    },
  };
  const items = on.dispatcher.duplex(routines.failsAfterInput, input, []);
  await assert.rejects(Array.fromAsync(items), { message: "no iterator" });
  await assert.rejects(on.dispatcher.call(routines.fails, []));
  assert.equal((await next(on.atDispatcher, "call.failed")).routine, "failed.failsAfterInput");
});
