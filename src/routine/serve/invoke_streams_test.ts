import assert from "node:assert/strict";
import { duplexRoutine, routine } from "../../contract/mod.ts";
import { currentCall } from "../call_context.ts";
import { decodePayload, type EncodedPayload, encodePayload } from "../payload/payload.ts";
import type { RoutineInput } from "./input_queue.ts";
import { invokeDuplex, invokeStream } from "./invoke.ts";
import { args, collect, contextOf, failsWith } from "../../../tests/support/invoking.ts";

async function* inputs(...list: unknown[]): AsyncGenerator<EncodedPayload> {
  for (const item of list) yield encodePayload(item, "input");
}

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

  at(index: number): EncodedPayload | undefined {
    for (let at = this.#at; at <= this.#at + index; at++) if (at % 3 === 0) return undefined;
    return this.#items[this.#at + index];
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
  for (const before of [1, 2]) {
    const good = Array.from({ length: before }, () => encodePayload(1, "input"));
    const input = new TakenInput(...good, broken, encodePayload(2, "input"));
    const items = invokeDuplex(tally, input, args(0), contextOf());
    for (let sum = 1; sum <= before; sum++) {
      assert.deepEqual(await items.next(), { done: false, value: encodePayload(sum, "item") });
    }
    await assert.rejects(items.next(), failsWith("InvalidPayload", "input"));
    assert.equal((await items.next()).done, true);
  }
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
