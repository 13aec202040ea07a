import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { type AnyRoutine, duplexRoutine, routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import {
  AllWorkersFailed,
  InvalidPayload,
  Overloaded,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import { failureInDetails, toConnectError } from "../../src/routine/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { post, rawCall } from "../support/raw_call.ts";
import { rpcPair } from "../support/rpc_pair.ts";

const worker = { address: "10.0.0.1:8443" };
const ours = () => new Overloaded("elsewhere");
const gone = () => new WorkerUnavailable("gone", { worker, notBegun: true });

class OwnOverload extends Overloaded {}

/** What code may throw after it has begun; each says somewhere that a call was not begun. */
const thrown: Readonly<Record<string, () => unknown>> = {
  "Overloaded": ours,
  "UnknownRoutine": () => new UnknownRoutine("a.b"),
  "WorkerUnavailable": gone,
  "AllWorkersFailed": () => new AllWorkersFailed([{ worker, error: ours() }]),
  "a subclass": () => new OwnOverload("elsewhere"),
  "a ConnectError of Overloaded": () => toConnectError(ours()),
  "a ConnectError of WorkerUnavailable": () => toConnectError(gone()),
  "a ConnectError whose details throw": () => withGetter(new ConnectError("x"), "details"),
  "an error caused by one": () => new Error("x", { cause: ours() }),
  "an error whose name throws one": () => withGetter(new Error("x"), "name"),
  "an error whose message throws one": () => withGetter(new Error("x"), "message"),
  "an error whose cause throws one": () => withGetter(new Error("x"), "cause"),
  "one whose message throws one": () => withGetter(ours(), "message"),
  "a proxy of one": () => new Proxy(ours(), {}),
  "a proxy that throws one": () => trapped(new Error("x")),
};

function withGetter<T extends object>(target: T, key: string): T {
  return Object.defineProperty(target, key, {
    get() {
      throw ours();
    },
  });
}

/** Throws `error` whatever it is asked for. */
function trapped(target: object, error: () => unknown = ours): object {
  const trap = () => {
    throw error();
  };
  return new Proxy(target, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap });
}

type Throw = () => unknown;
const raise = (make: Throw): never => {
  throw make();
};
/** An iterable whose iterator is `iterator`. */
const iterable = (iterator: () => unknown) => ({ [Symbol.asyncIterator]: iterator }) as never;

/** Ways in which a routine that answers once ends with what `make` gives. */
const unaryWays: Readonly<Record<string, (make: Throw) => unknown>> = {
  "throws": raise,
  "rejects": (make) => Promise.reject(make()),
  "gives a thenable that rejects": (make) => ({
    then: (_: unknown, no: (reason: unknown) => void) => no(make()),
  }),
  "gives a value whose then throws": (make) =>
    Object.defineProperty({}, "then", { get: () => raise(make) }),
  "gives a value with a part that throws": (make) => ({
    get part() {
      return raise(make);
    },
  }),
  "gives a value that throws whatever it is asked": (make) => [trapped({}, make)],
  "gives a stream that throws when it is left": (make) =>
    ({ [Symbol.asyncIterator]: () => {}, return: () => raise(make) }) as never,
};

/** Ways in which a stream ends with what `make` gives. */
const streamWays: Readonly<Record<string, (make: Throw) => AsyncIterable<number>>> = {
  "throws": raise,
  "has an iterator that throws": (make) => iterable(() => raise(make)),
  "throws in next()": (make) => iterable(() => ({ next: () => raise(make) })),
  "rejects in next()": (make) => iterable(() => ({ next: () => Promise.reject(make()) })),
  "gives a result whose done throws": (make) =>
    iterable(() => ({ next: () => Object.defineProperty({}, "done", { get: () => raise(make) }) })),
  "gives a result whose value throws": (make) =>
    iterable(() => ({
      next: () => Object.defineProperty({ done: false }, "value", { get: () => raise(make) }),
    })),
  "throws before its first item": async function* (make) {
    raise(make);
    yield 1;
  },
  "throws after an item": async function* (make) {
    yield 1;
    raise(make);
  },
  "is a value that throws whatever it is asked": (make) => trapped({}, make) as never,
};

/** Every way, as a program that a worker runs, and how often it has run. */
interface Way {
  readonly name: string;
  readonly make: Throw;
  readonly end: (make: Throw) => unknown;
}

function waysOf(ways: Readonly<Record<string, (make: Throw) => unknown>>): Way[] {
  return Object.entries(ways).flatMap(([way, end]) =>
    Object.entries(thrown).map(([what, make]) => ({ name: `${way}: ${what}`, make, end }))
  );
}

const unary = waysOf(unaryWays);
const streams = waysOf(streamWays);
let ledger = 0;

function run({ end, make }: Way): unknown {
  ledger += 1;
  return end(make);
}

const once = routine("once", (way: number): unknown => run(unary[way]!));
const many = routine("many", (way: number) => run(streams[way]!) as AsyncIterable<number>);
const both = duplexRoutine(
  "both",
  (_input: AsyncIterable<number>, way: number) => run(streams[way]!) as AsyncIterable<number>,
);

/** A service's items are messages; those of the table are numbers. */
async function* repeated(items: AsyncIterable<number>) {
  for await (const index of items) yield { index };
}

async function startWorkers(stack: AsyncDisposableStack): Promise<Dispatcher> {
  const names = ["first", "second", "third"].map((name) => `memory:begun-once-${name}`);
  for (const listen of names) {
    stack.use(
      await WorkerServer.start({
        listen,
        routines: { once, many, both } as Readonly<Record<string, AnyRoutine>>,
        services: (router) => {
          router.service(EchoService, {
            echo: ({ text }) => run(unary[Number(text)]!) as never,
            repeat: ({ text }) => streamOf(streams[Number(text)]!) as never,
          });
        },
      }),
    );
  }
  return stack.use(await Dispatcher.open({ discovery: `static:${names.join(",")}` }));
}

function streamOf(way: Way): unknown {
  const items = run(way) as AsyncIterable<number>;
  return way.name.startsWith("throws ") ? repeated(items) : items;
}

async function endOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return "no error";
  } catch (error) {
    return error;
  }
}

Deno.test("what a routine ends with never makes it run a second time", async (t) => {
  await using stack = new AsyncDisposableStack();
  const dispatcher = await startWorkers(stack);
  const kinds = {
    unary: [unary, (way: number) => dispatcher.call(once, [way])],
    stream: [streams, (way: number) => Array.fromAsync(dispatcher.stream(many, [way]))],
    duplex: [streams, (way: number) => Array.fromAsync(dispatcher.duplex(both, nothing(), [way]))],
  } as const;
  for (const [kind, [ways, call]] of Object.entries(kinds)) {
    await t.step(`${kind}, in ${ways.length} ways`, async () => {
      for (const [index, { name }] of ways.entries()) {
        ledger = 0;
        const error = await endOf(call(index));
        assert.equal(ledger, 1, `${kind} ${name}: ran ${ledger} times, ${error}`);
        const typed = error instanceof RoutineError || error instanceof InvalidPayload;
        assert.ok(typed, `${kind} ${name}: ${error}`);
      }
    });
  }
});

Deno.test("what a service's method ends with never makes it run a second time", async (t) => {
  await using stack = new AsyncDisposableStack();
  const dispatcher = await startWorkers(stack);
  const echo = createClient(EchoService, dispatcher.transport);
  const kinds = {
    unary: [unary, (text: string) => echo.echo({ text })],
    stream: [streams, (text: string) => Array.fromAsync(echo.repeat({ text }))],
  } as const;
  for (const [kind, [ways, call]] of Object.entries(kinds)) {
    await t.step(`${kind}, in ${ways.length} ways`, async () => {
      for (const [index, { name }] of ways.entries()) {
        ledger = 0;
        const error = await endOf(call(String(index)));
        assert.equal(ledger, 1, `${kind} ${name}: ran ${ledger} times, ${error}`);
        // A message is made of what it is made of: a part that it has not is not looked at.
        if (error === "no error") continue;
        assert.ok(error instanceof ConnectError, `${kind} ${name}: ${error}`);
        assert.equal(failureInDetails(error), undefined, `${kind} ${name}: ${error}`);
      }
    });
  }
});

Deno.test("a handler cannot say by its metadata that its call was not begun", async () => {
  const details = await statusDetailsOf(ours());
  await using stack = new AsyncDisposableStack();
  const names = ["first", "second"].map((name) => `memory:begun-once-metadata-${name}`);
  for (const listen of names) {
    stack.use(
      await WorkerServer.start({
        listen,
        services: (router) => {
          router.service(EchoService, {
            echo: ({ text }, { responseHeader, responseTrailer }) => {
              ledger += 1;
              responseHeader.set("grpc-status-details-bin", details);
              responseTrailer.set("grpc-status-details-bin", details);
              if (text === "throws") throw new ConnectError("x", Code.Aborted);
              return { text };
            },
          });
        },
      }),
    );
  }
  const dispatcher = stack.use(await Dispatcher.open({ discovery: `static:${names.join(",")}` }));
  for (const useBinaryFormat of [true, false]) {
    const transport = dispatcher.transportFor({ protocol: "grpc", useBinaryFormat });
    const echo = createClient(EchoService, transport);
    ledger = 0;
    assert.equal((await echo.echo({ text: "answers" })).text, "answers");
    const error = await endOf(echo.echo({ text: "throws" }));
    assert.ok(error instanceof ConnectError && error.code === Code.Aborted, String(error));
    assert.equal(failureInDetails(error), undefined);
    assert.equal(ledger, 2);
  }
});

/** The field that a gRPC server sends for an error, as one of ours would send it. */
async function statusDetailsOf(error: Error): Promise<string> {
  const pair = rpcPair((router) => {
    router.service(EchoService, {
      echo: () => {
        throw toConnectError(error);
      },
    });
  });
  await using _ = pair;
  const fields = post(`/${EchoService.typeName}/Echo`, "application/grpc");
  const { header, trailer } = await rawCall(pair.client, fields, [new Uint8Array(5)]).response;
  const all = [...header, ...trailer];
  const value = all[all.indexOf("grpc-status-details-bin") + 1];
  assert.ok(value !== undefined && value.length > 20, String(all));
  return value;
}

async function* nothing(): AsyncGenerator<number> {}
