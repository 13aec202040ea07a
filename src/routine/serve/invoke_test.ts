import assert from "node:assert/strict";
import {
  type AnyRoutine,
  duplexRoutine,
  routine,
  type StandardSchema,
  STREAMED_RESULT,
} from "../../contract/mod.ts";
import {
  DeadlineExceeded,
  type InvalidPayload,
  Overloaded,
  RoutineError,
} from "../../errors/mod.ts";
import { type CallContext, currentCall } from "../call_context.ts";
import {
  decodePayload,
  type EncodedPayload,
  encodePayload,
  type PayloadForm,
} from "../payload/payload.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../payload/limits.ts";
import type { RoutineInput } from "./input_queue.ts";
import { invokeDuplex, invokeStream, invokeUnary } from "./invoke.ts";

function contextOf(signal: AbortSignal = new AbortController().signal): CallContext {
  return { id: "call-1", tags: [], signal } as unknown as CallContext;
}

function args(...list: unknown[]): EncodedPayload {
  return encodePayload(list, "arguments");
}

/** What it throws at once is a rejection. */
async function invoke(...given: Parameters<typeof invokeUnary>): Promise<EncodedPayload> {
  return await invokeUnary(...given);
}

async function call(routine: AnyRoutine, ...list: unknown[]): Promise<unknown> {
  return decodePayload(await invoke(routine, args(...list), contextOf()), "result");
}

async function collect(items: AsyncIterable<EncodedPayload>): Promise<unknown[]> {
  return (await Array.fromAsync(items)).map((item) => decodePayload(item, "item"));
}

async function* inputs(...list: unknown[]): AsyncGenerator<EncodedPayload> {
  for (const item of list) yield encodePayload(item, "input");
}

function failsWith(name: string, path?: string): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as Error).name, name, String(error));
    if (path !== undefined) assert.equal((error as InvalidPayload).path, path);
    return true;
  };
}

const schema: StandardSchema<{ age: string }, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const age = Number((value as { age: unknown }).age);
      if (!Number.isNaN(age)) return { value: age };
      return { issues: [{ message: "is no number", path: ["age", { key: 0 }] }] };
    },
  },
};

Deno.test("invokeUnary() answers with what the routine returns, or its promise", async () => {
  assert.equal(await call(routine("add", (a: number, b = 1) => a + b), 1), 2);
  assert.deepEqual(await call(routine("later", async (a: number) => await [a]), 1), [1]);
  assert.equal(await call(routine("nothing", () => {})), undefined);
});

Deno.test("invokeUnary() has the result at once where the routine returns no promise", async () => {
  const isLater = (returned: unknown) => {
    const answer = invokeUnary(routine("r", () => returned), args(), contextOf());
    return answer instanceof Promise;
  };
  for (const value of [1, "x", null, undefined, { a: 1 }, [2]]) assert.equal(isLater(value), false);
  assert.equal(isLater(Promise.resolve(1)), true);
  const thenable = { then: (resolve: (value: number) => void) => resolve(7) };
  assert.equal(await call(routine("thenable", () => thenable)), 7);
});

Deno.test("invokeUnary() answers in the form of the question", async () => {
  const add = routine("add", (a: number, b: number) => ({ sum: a + b }));
  for (const form of ["cbor", "json"] as PayloadForm[]) {
    const question = encodePayload([1, 2], "arguments", { form });
    const answer = await invoke(add, question, contextOf());
    assert.equal(answer.form, form);
    assert.deepEqual(decodePayload(answer, "result"), { sum: 3 });
  }
});

Deno.test("invokeUnary() distinguishes what the routine threw from what was wrong with the call", async () => {
  const thrower = routine("t", (what: string) => {
    throw what === "ours" ? new Overloaded("inner") : new RangeError(what);
  });
  await assert.rejects(call(thrower, "x"), failsWith("RoutineError"));
  await assert.rejects(call(thrower, "ours"), (error) => {
    assert(error instanceof RoutineError);
    assert(error.cause instanceof Overloaded);
    return true;
  });
  const rejects = routine("r", () => Promise.reject(new TypeError("late")));
  await assert.rejects(call(rejects), failsWith("RoutineError"));
});

Deno.test("invokeUnary() refuses arguments that are no list, and a result that cannot travel", async () => {
  let ran = false;
  const echo = routine("echo", (value: unknown) => {
    ran = true;
    return value;
  });
  const noList: EncodedPayload = { form: "json", text: '{"a":1}' };
  await assert.rejects(
    invoke(echo, noList, contextOf()),
    failsWith("InvalidPayload", "arguments"),
  );
  assert.equal(ran, false);
  const sneaky: unknown = { deep: [() => 1] };
  const unsendable = routine("u", () => sneaky);
  await assert.rejects(call(unsendable), failsWith("InvalidPayload", "result.deep[0]"));
});

Deno.test("invokeUnary() gives the routine what its schema makes of the argument", async () => {
  const next = routine("next", { input: schema }, (age) => age + 1);
  assert.equal(await call(next, { age: "41" }), 42);
  await assert.rejects(
    call(next, { age: "x" }),
    failsWith("InvalidPayload", "arguments[0].age[0]"),
  );
  await assert.rejects(call(next), failsWith("InvalidPayload", "arguments"));
  await assert.rejects(call(next, { age: "1" }, 2), failsWith("InvalidPayload", "arguments"));
});

Deno.test("invokeUnary() distinguishes what a schema threw from an argument that does not fit", async () => {
  const broken: StandardSchema<number, number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => {
        throw new TypeError("a bug in the schema");
      },
    },
  };
  await assert.rejects(
    call(routine("b", { input: broken }, (n) => n), 1),
    failsWith("RoutineError"),
  );
});

Deno.test("invokeUnary() does not begin a routine that streams", async () => {
  let began = false;
  const stream = routine("s", async function* () {
    began = true;
    yield 1;
  });
  await assert.rejects(call(stream), failsWith("InvalidPayload", STREAMED_RESULT));
  assert.equal(began, false);
});

Deno.test("invokeUnary() lets go of a stream that a plain function returns", async () => {
  let ended = false;
  const stream = routine("s", (): AsyncIterable<number> =>
    Object.assign(
      (async function* () {
        yield 1;
      })(),
      {
        return: () => {
          ended = true;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      },
    ));
  await assert.rejects(call(stream), failsWith("InvalidPayload", STREAMED_RESULT));
  assert.equal(ended, true);
});

Deno.test("invokeUnary() does not begin where the call was aborted during validation", async () => {
  const reason = new DeadlineExceeded(5);
  const controller = new AbortController();
  let ran = false;
  const input: StandardSchema<string, string> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        controller.abort(reason);
        return Promise.resolve({ value: value as string });
      },
    },
  };
  const run = routine("r", { input }, () => {
    ran = true;
  });
  await assert.rejects(
    invoke(run, args("x"), contextOf(controller.signal)),
    (error) => error === reason,
  );
  assert.equal(ran, false);
});

Deno.test("invokeUnary() passes the reason on with which the call was aborted", async () => {
  const reason = new DeadlineExceeded(5);
  const controller = new AbortController();
  const waits = routine("w", () => {
    controller.abort(reason);
    currentCall().signal.throwIfAborted();
  });
  await assert.rejects(
    invoke(waits, args(), contextOf(controller.signal)),
    (error) => error === reason,
  );
});

Deno.test("invokeUnary() keeps the result within its limit", async () => {
  const big = routine("big", () => "x".repeat(1_000));
  await assert.rejects(
    invoke(big, args(), contextOf(), {
      limits: { ...DEFAULT_PAYLOAD_LIMITS, bytes: 100 },
    }),
    failsWith("InvalidPayload", "result"),
  );
});

Deno.test("invokeStream() streams generators of both kinds and any AsyncIterable", async () => {
  const count = async function* (to: number) {
    for (let n = 1; n <= to; n++) yield n;
  };
  const streams = [
    routine("a", count),
    routine("b", function* (to: number) {
      for (let n = 1; n <= to; n++) yield n;
    }),
    routine("c", (to: number): AsyncIterable<number> => count(to)),
    routine("d", async (to: number) => await Promise.resolve(count(to))),
  ];
  for (const stream of streams) {
    assert.deepEqual(await collect(invokeStream(stream, args(3), contextOf())), [1, 2, 3]);
  }
});

Deno.test("invokeStream() starts nothing before the first item, and makes each when it is asked for", async () => {
  const made: number[] = [];
  const stream = routine("s", async function* () {
    for (let n = 1;; n++) {
      made.push(n);
      yield n;
    }
  });
  const items = invokeStream(stream, args(), contextOf());
  assert.deepEqual(made, []);
  await items.next();
  await items.next();
  assert.deepEqual(made, [1, 2]);
  await items.return();
});

Deno.test("invokeStream() runs the generator's finally when its reader leaves", async () => {
  const seen: string[] = [];
  const stream = routine("s", async function* () {
    try {
      for (;;) yield currentCall().id;
    } finally {
      await Promise.resolve();
      seen.push(`finally of ${currentCall().id}`);
    }
  });
  for await (const item of invokeStream(stream, args(), contextOf())) {
    seen.push(decodePayload(item, "item") as string);
    break;
  }
  assert.deepEqual(seen, ["call-1", "finally of call-1"]);
});

Deno.test("invokeStream() ends the generator when an item cannot travel", async () => {
  let ended = false;
  const stream = routine("s", async function* (): AsyncGenerator<unknown> {
    try {
      yield 1;
      yield { bad: Symbol("x") };
    } finally {
      ended = true;
    }
  });
  const items = invokeStream(stream, args(), contextOf());
  await items.next();
  await assert.rejects(items.next(), failsWith("InvalidPayload", "item.bad"));
  assert.equal(ended, true);
});

Deno.test("invokeStream() passes on what the generator throws, also from its finally", async () => {
  const throws = routine("t", async function* () {
    yield 1;
    throw new RangeError("mid");
  });
  const items = invokeStream(throws, args(), contextOf());
  await items.next();
  await assert.rejects(items.next(), failsWith("RoutineError"));
  assert.equal((await items.next()).done, true);
  const fails = routine("f", async function* () {
    try {
      yield 1;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("on leaving");
    }
  });
  const left = invokeStream(fails, args(), contextOf());
  await left.next();
  await assert.rejects(left.return(), failsWith("RoutineError"));
});

Deno.test("invokeStream() refuses a routine that answers once", async () => {
  const add = routine("add", (a: number) => [a]);
  await assert.rejects(
    collect(invokeStream(add, args(1), contextOf())),
    failsWith("InvalidPayload", "result"),
  );
});

const tally = duplexRoutine("tally", async function* (
  input: AsyncIterable<number>,
  start: number,
) {
  let sum = start;
  for await (const n of input) yield sum += n;
});

/** Input of which items are taken where they are there: all but every third. */
class TakenInput implements RoutineInput {
  readonly #items: EncodedPayload[];
  #at = 0;

  constructor(...items: EncodedPayload[]) {
    this.#items = items;
  }

  take(): EncodedPayload | undefined {
    return this.#at % 3 === 0 ? undefined : this.#items[this.#at++];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EncodedPayload> {
    while (this.#at < this.#items.length) yield this.#items[this.#at++]!;
  }
}

Deno.test("invokeDuplex() passes on input that is taken, in order and to its end", async () => {
  const list = Array.from({ length: 10 }, (_, n) => n);
  const input = new TakenInput(...list.map((n) => encodePayload(n, "input")));
  const same = duplexRoutine("same", async function* (input: AsyncIterable<number>) {
    yield* input;
  });
  assert.deepEqual(await collect(invokeDuplex(same, input, args(), contextOf())), list);
});

Deno.test("invokeDuplex() passes on that input cannot be read where it was taken", async () => {
  const broken = { form: "cbor", bytes: new Uint8Array([0xff]) } as const;
  const input = new TakenInput(encodePayload(1, "input"), broken, encodePayload(2, "input"));
  const items = invokeDuplex(tally, input, args(0), contextOf());
  await items.next();
  await assert.rejects(items.next(), failsWith("InvalidPayload", "input"));
  assert.equal((await items.next()).done, true);
});

Deno.test("invokeDuplex() passes items both ways", async () => {
  assert.deepEqual(
    await collect(invokeDuplex(tally, inputs(1, 2, 3), args(10), contextOf())),
    [11, 13, 16],
  );
});

Deno.test("invokeDuplex() reads no more of the input than the routine asks for", async () => {
  let read = 0;
  let closed = false;
  async function* counting() {
    try {
      for (;;) {
        read++;
        yield encodePayload(1, "input");
      }
    } finally {
      closed = true;
    }
  }
  const items = invokeDuplex(tally, counting(), args(0), contextOf());
  assert.equal(read, 0);
  await items.next();
  assert.equal(read, 1);
  await items.return();
  assert.equal(closed, true);
});

Deno.test("invokeDuplex() passes on what the caller's stream failed with, as it is", async () => {
  const broken = { form: "cbor", bytes: new Uint8Array([0xff]) } as const;
  async function* input() {
    yield encodePayload(1, "input");
    yield broken;
  }
  const items = invokeDuplex(tally, input(), args(0), contextOf());
  await items.next();
  await assert.rejects(items.next(), failsWith("InvalidPayload", "input"));
});
