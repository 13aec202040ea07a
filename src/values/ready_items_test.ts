import assert from "node:assert/strict";
import { ReadyItems, Taken } from "./ready_items.ts";

/** A source of which some items are there and others come in the next turn, read by a generator. */
class Numbers {
  readonly #items: readonly unknown[];
  readonly #isThere: (at: number) => boolean;
  #at = 0;
  /** How often the generator was resumed after its first item. */
  resumed = 0;
  cleanedUp = 0;

  constructor(items: readonly unknown[], isThere: (at: number) => boolean) {
    this.#items = items;
    this.#isThere = isThere;
  }

  take(): Taken<unknown> | undefined {
    if (this.#at >= this.#items.length || !this.#isThere(this.#at)) return undefined;
    return new Taken(this.#read());
  }

  async *plain(): AsyncGenerator<unknown, void, undefined> {
    try {
      while (this.#at < this.#items.length) {
        if (!this.#isThere(this.#at)) await new Promise((resolve) => setImmediate(resolve));
        yield this.#read();
        this.resumed++;
      }
    } finally {
      this.cleanedUp++;
    }
  }

  #read(): unknown {
    const item = this.#items[this.#at++];
    if (item instanceof Error) throw item;
    return item;
  }
}

type Source = (numbers: Numbers) => AsyncGenerator<unknown, void, undefined>;

const SOURCES: readonly [string, Source][] = [
  ["a generator", (numbers) => numbers.plain()],
  ["ReadyItems", (numbers) => new ReadyItems(numbers.plain(), () => numbers.take())],
];

for (const [name, open] of SOURCES) {
  for (const every of [1, 2, 3, Infinity]) {
    const isThere = (at: number) => at % every !== 0;

    Deno.test(`${name} gives items as plain objects, 1 of ${every} late`, async () => {
      const items = open(new Numbers([1, 2, 3], isThere));
      assert.equal(Object.prototype.toString.call(items), "[object AsyncGenerator]");
      for (const value of [1, 2, 3]) {
        assert.deepEqual(await items.next(), { value, done: false });
      }
      await items.return();
    });

    Deno.test(`${name} gives all items in order and ends once, 1 of ${every} late`, async () => {
      const numbers = new Numbers([1, undefined, 3, 4, 5, 6, 7], isThere);
      const items = open(numbers);
      assert.deepEqual(await Array.fromAsync(items), [1, undefined, 3, 4, 5, 6, 7]);
      assert.deepEqual(await items.next(), { done: true, value: undefined });
      assert.equal(numbers.cleanedUp, 1);
    });

    Deno.test(`${name} answers requests at once in their order, 1 of ${every} late`, async () => {
      const items = open(new Numbers([1, 2, 3, 4], isThere));
      const first = await items.next();
      const asked = Array.from({ length: 5 }, () => items.next());
      const results = [first, ...await Promise.all(asked)];
      assert.deepEqual(results.map(({ value }) => value), [1, 2, 3, 4, undefined, undefined]);
      assert.deepEqual(results.map(({ done }) => done), [false, false, false, false, true, true]);
    });

    Deno.test(`${name} throws in the middle, and is over then, 1 of ${every} late`, async () => {
      const torn = new Error("torn");
      const numbers = new Numbers([1, 2, torn, 4], isThere);
      const items = open(numbers);
      assert.equal((await items.next()).value, 1);
      assert.equal((await items.next()).value, 2);
      await assert.rejects(items.next(), torn);
      assert.equal(numbers.cleanedUp, 1);
      assert.deepEqual(await items.next(), { done: true, value: undefined });
    });

    Deno.test(`${name} that is left cleans up once and gives nothing more, 1 of ${every} late`, async () => {
      const numbers = new Numbers([1, 2, 3, 4], isThere);
      const items = open(numbers);
      for await (const item of items) if (item === 2) break;
      assert.equal(numbers.cleanedUp, 1);
      assert.deepEqual(await items.next(), { done: true, value: undefined });
      const unread = new Numbers([1], isThere);
      await using _ = open(unread);
      assert.equal(unread.cleanedUp, 0);
    });
  }

  Deno.test(`${name} passes on what is thrown into it`, async () => {
    const numbers = new Numbers([1, 2], () => true);
    const items = open(numbers);
    await items.next();
    const thrown = new Error("thrown into it");
    await assert.rejects(items.throw(thrown), thrown);
    assert.equal(numbers.cleanedUp, 1);
    assert.equal((await items.next()).done, true);
  });
}

Deno.test("ReadyItems ends what is waited for when its reader leaves, and only then", async () => {
  let left = 0;
  const over = Promise.withResolvers<void>();
  async function* waits(): AsyncGenerator<number, void, undefined> {
    yield 1;
    await over.promise;
  }
  const leave = () => {
    left++;
    over.resolve();
  };
  const items = new ReadyItems(waits(), () => undefined, { leave });
  await items.next();
  const next = items.next();
  assert.equal(left, 0);
  assert.equal((await items.return()).done, true);
  assert.equal((await next).done, true);
  assert.equal(left, 1);
  await items.return();
  assert.equal(left, 1);
});

Deno.test("ReadyItems tells of a reader that leaves before it has asked for anything, once", async () => {
  for (const leaving of ["return", "throw"] as const) {
    let left = 0;
    const numbers = new Numbers([1, 2], () => true);
    const leaveUnasked = () => void left++;
    const items = new ReadyItems(numbers.plain(), () => numbers.take(), { leaveUnasked });
    const thrown = new Error("thrown into it");
    if (leaving === "return") assert.equal((await items.return()).done, true);
    else await assert.rejects(items.throw(thrown), thrown);
    await items.return();
    assert.equal(left, 1);
  }
  let left = 0;
  const numbers = new Numbers([1, 2], () => true);
  const items = new ReadyItems(numbers.plain(), () => numbers.take(), {
    leaveUnasked: () => void left++,
  });
  await items.next();
  await items.return();
  assert.equal(left, 0);
});

Deno.test("ReadyItems does not resume the generator for items that are there", async () => {
  const numbers = new Numbers([1, 2, 3, 4], () => true);
  const items = new ReadyItems(numbers.plain(), () => numbers.take());
  for (let item = 1; item <= 4; item++) assert.equal((await items.next()).value, item);
  assert.equal(numbers.resumed, 0);
});
