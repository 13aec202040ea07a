import assert from "node:assert/strict";
import {
  bindClient,
  type Calling,
  duplexRoutine,
  type Routine,
  routine,
  STREAMED_RESULT,
} from "./mod.ts";

const add = routine("math.add", (a: number, b = 1) => a + b);
const primes = routine("math.primes", async function* (limit: number) {
  yield limit;
});
const tally = duplexRoutine("math.tally", async function* (input: AsyncIterable<number>) {
  yield* input;
});
const ticks: Routine<(limit: number) => AsyncIterable<number>> = routine("math.ticks");

/** A caller that writes down how it is called; it fails the calls that it is set to fail. */
function recording(failure?: Error): { caller: Calling; calls: unknown[][] } {
  const calls: unknown[][] = [];
  async function* items() {
    yield 7;
  }
  const caller = {
    call(routine: { name: string }, args: unknown, options: unknown) {
      calls.push(["call", routine.name, args, options]);
      return failure === undefined ? Promise.resolve(3) : Promise.reject(failure);
    },
    stream(routine: { name: string }, args: unknown, options: unknown) {
      calls.push(["stream", routine.name, args, options]);
      return items();
    },
    duplex(routine: { name: string }, input: unknown, args: unknown, options: unknown) {
      calls.push(["duplex", routine.name, input, args, options]);
      return items();
    },
  };
  return { caller: caller as unknown as Calling, calls };
}

Deno.test("bindClient() calls, streams and duplexes as each routine is declared", async () => {
  const { caller, calls } = recording();
  const options = { timeoutMs: 5 };
  const math = bindClient(caller, { add, primes, tally }, options);
  assert.equal(await math.add(1, 2), 3);
  for await (const p of math.primes(100)) assert.equal(p, 7);
  for await (const t of math.tally([1])) assert.equal(t, 7);
  assert.deepEqual(calls, [
    ["call", "math.add", [1, 2], options],
    ["stream", "math.primes", [100], options],
    ["duplex", "math.tally", [1], [], options],
  ]);
});

Deno.test("bindClient() streams a contract that only its type says streams", async () => {
  const { caller, calls } = recording();
  for await (const t of bindClient(caller, { ticks }).ticks(1)) assert.equal(t, 7);
  assert.deepEqual(calls.map(([how]) => how), ["stream"]);
});

Deno.test("bindClient() streams such a contract also when it is iterated later", async () => {
  const { caller, calls } = recording(Object.assign(new Error("x"), { path: STREAMED_RESULT }));
  const items = bindClient(caller, { ticks }).ticks(1);
  await Promise.resolve();
  for await (const t of items) assert.equal(t, 7);
  assert.deepEqual(calls.map(([how]) => how), ["call", "stream"]);
});

Deno.test("bindClient() calls a unary routine that nobody awaits", async () => {
  const { caller, calls } = recording();
  bindClient(caller, { add }).add(1);
  await Promise.resolve();
  assert.deepEqual(calls.map(([how]) => how), ["call"]);
});

Deno.test("bindClient() rejects with the call's own error", async () => {
  const failure = new RangeError("no");
  const { caller } = recording(failure);
  await assert.rejects(bindClient(caller, { add }).add(1), failure);
});
