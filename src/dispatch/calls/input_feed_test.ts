import assert from "node:assert/strict";
import { turn } from "../../../tests/support/manual_clock.ts";
import { InputFeed } from "./input_feed.ts";

class Sink {
  readonly items: (number | "end")[] = [];
  takesMore = true;
  item(item: number): boolean {
    this.items.push(item);
    return this.takesMore;
  }
  readonly errors: unknown[] = [];
  end(): void {
    this.items.push("end");
  }
  failed(error: unknown): void {
    this.errors.push(error);
  }
}

function counting(limit = Infinity) {
  const seen = { read: 0, closed: false };
  async function* source() {
    try {
      for (let n = 1; n <= limit; n++) {
        seen.read = n;
        yield n;
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, feed: new InputFeed(source(), (value) => value as number) };
}

Deno.test("InputFeed reads no further than it has credit", async () => {
  const { seen, feed } = counting();
  const sink = new Sink();
  await turn();
  assert.equal(seen.read, 0);
  feed.attach(sink, 2);
  await turn();
  assert.deepEqual([sink.items, seen.read], [[1, 2], 2]);
  feed.grant(1);
  await turn();
  assert.deepEqual(sink.items, [1, 2, 3]);
  await feed.close();
});

Deno.test("InputFeed reads no further while what it sent has not left, whatever its credit", async () => {
  const { seen, feed } = counting();
  const sink = new Sink();
  sink.takesMore = false;
  feed.attach(sink, 256);
  await turn();
  assert.deepEqual([sink.items, seen.read], [[1], 1]);
  sink.takesMore = true;
  feed.resume();
  await turn();
  assert.equal(sink.items.length, 256);
  await feed.close();
});

Deno.test("InputFeed sends another worker what the first was sent, until the call has begun", async () => {
  const { feed } = counting(4);
  const [first, second, third] = [new Sink(), new Sink(), new Sink()];
  feed.attach(first, 2);
  await turn();
  feed.attach(second, 3);
  await turn();
  assert.deepEqual(second.items, [1, 2, 3]);
  feed.commit();
  feed.attach(third, 3);
  await turn();
  assert.deepEqual(third.items, [4, "end"]);
});

Deno.test("InputFeed lets the source go when it is closed", async () => {
  const { seen, feed } = counting();
  feed.attach(new Sink(), 1);
  await turn();
  await feed.close();
  assert.equal(seen.closed, true);
});

Deno.test("InputFeed reports what the source threw", async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    throw new RangeError("no more");
  }
  const feed = new InputFeed(source(), (value) => value as number);
  const sink = new Sink();
  feed.attach(sink, 5);
  await assert.rejects(feed.failed, new RangeError("no more"));
  assert.deepEqual(sink.errors, [new RangeError("no more")]);
});

Deno.test("InputFeed leaves a source that gave what cannot be sent, and waits until it has cleaned up", async () => {
  const cleaning = Promise.withResolvers<void>();
  let state = "open";
  async function* source() {
    try {
      yield 1;
    } finally {
      state = "cleaning";
      await cleaning.promise;
      state = "closed";
    }
  }
  const feed = new InputFeed<number>(source(), () => {
    throw new RangeError("it cannot be sent");
  });
  const sink = new Sink();
  feed.attach(sink, 1);
  await assert.rejects(feed.failed, RangeError);
  assert.deepEqual([sink.errors.length, state], [1, "cleaning"]);
  const closed = feed.close().then(() => state);
  cleaning.resolve();
  assert.equal(await closed, "closed");
});
