import assert from "node:assert/strict";
import { EventStream, type SelvageEvent } from "../mod.ts";

function numbered(inFlight: number): SelvageEvent {
  return {
    type: "worker.draining",
    at: "2030-01-01T00:00:00.000Z",
    origin: "w1",
    workerId: "w1",
    inFlight,
    graceMs: 25_000,
  };
}

function numberOf(event: SelvageEvent | undefined): number | undefined {
  return event?.type === "worker.draining" ? event.inFlight : undefined;
}

Deno.test("EventStream gives events in order, whether they came before or after the read", async () => {
  const stream = new EventStream();
  stream.push(numbered(1));
  const reads = [stream.next(), stream.next(), stream.next()];
  stream.push(numbered(2));
  stream.push(numbered(3));
  const results = await Promise.all(reads);
  assert.deepEqual(results.map(({ value }) => numberOf(value)), [1, 2, 3]);
});

Deno.test("EventStream drops the oldest of 1,024 unread events and counts them", async () => {
  let lost = 0;
  const stream = new EventStream({ lost: () => lost += 1 });
  for (let index = 0; index < 3000; index++) stream.push(numbered(index));
  assert.equal(stream.dropped, 3000 - 1024);
  assert.equal(lost, 3000 - 1024);
  const seen: (number | undefined)[] = [];
  stream.end();
  for await (const event of stream) seen.push(numberOf(event));
  assert.equal(seen.length, 1024);
  assert.equal(seen[0], 3000 - 1024);
  assert.equal(seen.at(-1), 2999);
});

Deno.test("EventStream ends waiting and later reads when its source ends", async () => {
  const stream = new EventStream();
  const waiting = stream.next();
  stream.end();
  stream.push(numbered(1));
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

Deno.test("EventStream is closed by leaving the loop, and by disposal", async () => {
  let closed = 0;
  const left = new EventStream({ closed: () => closed += 1 });
  left.push(numbered(1));
  left.push(numbered(2));
  for await (const _event of left) break;
  assert.equal(closed, 1);
  assert.deepEqual(await left.next(), { value: undefined, done: true });
  {
    using _disposed = new EventStream({ closed: () => closed += 1 });
  }
  assert.equal(closed, 2);
});

Deno.test("EventStream keeps order over many partial reads", async () => {
  const stream = new EventStream({ capacity: 8 });
  let written = 0;
  let read = 0;
  for (let round = 0; round < 100; round++) {
    for (let count = 0; count < round % 8; count++) stream.push(numbered(written++));
    while (read < written) assert.equal(numberOf((await stream.next()).value), read++);
  }
  assert.equal(stream.dropped, 0);
});
