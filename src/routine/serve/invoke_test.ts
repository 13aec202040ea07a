import assert from "node:assert/strict";
import {
  type AnyRoutine,
  routine,
  type StandardSchema,
  STREAMED_RESULT,
} from "../../contract/mod.ts";
import { DeadlineExceeded, Overloaded, RoutineError } from "../../errors/mod.ts";
import { currentCall } from "../call_context.ts";
import {
  decodePayload,
  type EncodedPayload,
  encodePayload,
  type PayloadForm,
} from "../payload/payload.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../payload/limits.ts";
import { invokeUnary } from "./invoke.ts";
import { args, contextOf, failsWith } from "../../../tests/support/invoking.ts";

/** What it throws at once is a rejection. */
async function invoke(...given: Parameters<typeof invokeUnary>): Promise<EncodedPayload> {
  return await invokeUnary(...given);
}

async function call(routine: AnyRoutine, ...list: unknown[]): Promise<unknown> {
  return decodePayload(await invoke(routine, args(...list), contextOf()), "result");
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
