import assert from "node:assert/strict";
import { RepeatableInput } from "./repeatable_input.ts";

class Numbers implements AsyncIterator<number> {
  asked = 0;
  returned = 0;

  next(): Promise<IteratorResult<number>> {
    return Promise.resolve({ done: false, value: this.asked++ });
  }

  return(): Promise<IteratorResult<number>> {
    this.returned++;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function read(input: AsyncIterable<number>, count: number): Promise<number[]> {
  const iterator = input[Symbol.asyncIterator]();
  const read: number[] = [];
  while (read.length < count) read.push((await iterator.next()).value);
  return read;
}

Deno.test("RepeatableInput begins anew for each attempt until a worker has begun", async () => {
  const numbers = new Numbers();
  const input = new RepeatableInput(numbers);
  assert.deepEqual(await read(input, 3), [0, 1, 2]);
  const last = input[Symbol.asyncIterator]();
  assert.deepEqual((await last.next()).value, 0);
  input.begun();
  assert.equal(input.repeatable, false);
  const rest = [await last.next(), await last.next(), await last.next(), await last.next()];
  assert.deepEqual(rest.map(({ value }) => value), [1, 2, 3, 4]);
  assert.equal(numbers.asked, 5);
});

Deno.test("RepeatableInput keeps 16 messages and no more", async () => {
  const input = new RepeatableInput(new Numbers());
  await read(input, 16);
  assert.equal(input.repeatable, true);
  assert.deepEqual((await read(input, 17)).at(-1), 16);
  assert.equal(input.repeatable, false);
});

Deno.test("RepeatableInput ends its source when the call is over, not when an attempt is", async () => {
  const numbers = new Numbers();
  const input = new RepeatableInput(numbers);
  await input[Symbol.asyncIterator]().return?.();
  assert.equal(numbers.returned, 0);
  input.begun();
  await input[Symbol.asyncIterator]().return?.();
  assert.equal(numbers.returned, 1);
});

for (const method of ["throw", "return"] as const) {
  Deno.test(`RepeatableInput is closed whatever its source's ${method}() throws at once`, () => {
    let called = 0;
    const iterator = Object.assign(new Numbers(), {
      [method]: () => {
        called++;
        throw new Error("the source's own");
      },
    });
    const input = new RepeatableInput(iterator);
    input.close(method === "throw" ? new Error("the call's") : undefined);
    assert.equal(called, 1);
  });
}
