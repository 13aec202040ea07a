import assert from "node:assert/strict";
import { InvalidPayload } from "../../errors/mod.ts";
import type { CallEnvelope } from "../envelope/call_envelope.ts";
import type { DuplexMessage, ItemMessage } from "../envelope/stream_envelope.ts";
import { decodePayload, type EncodedPayload, encodePayload } from "../payload/payload.ts";
import type { UnreadBytes } from "./input_queue.ts";
import {
  type BeginStream,
  type RequestIterator,
  serveStream as serveStreamWith,
} from "./stream_call.ts";

/** A caller's side that a test speaks for. */
class Requests implements AsyncIterable<DuplexMessage> {
  readonly #messages: DuplexMessage[] = [];
  readonly #isTakeable: boolean;
  #wake: (() => void) | undefined;
  #end: { error?: unknown } | undefined;
  /** How many messages were taken. */
  taken = 0;

  /** @param isTakeable whether messages can be taken where they are there. */
  constructor(isTakeable = false) {
    this.#isTakeable = isTakeable;
  }

  say(...messages: DuplexMessage[]): this {
    this.#messages.push(...messages);
    this.#wake?.();
    return this;
  }

  end(error?: unknown): this {
    this.#end = error === undefined ? {} : { error };
    this.#wake?.();
    return this;
  }

  [Symbol.asyncIterator](): RequestIterator<DuplexMessage> {
    const iterator = this.#iterate();
    return this.#isTakeable ? Object.assign(iterator, { take: () => this.#take() }) : iterator;
  }

  #take(): DuplexMessage | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.taken++;
    return message;
  }

  async *#iterate(): AsyncGenerator<DuplexMessage> {
    for (;;) {
      const message = this.#take();
      if (message !== undefined) yield message;
      else if (this.#end === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      } else {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      }
    }
  }
}

/** The ways in which messages are read. */
const WAYS = [["iterated", false], ["taken where they are there", true]] as const;

function serveStream(
  requests: Requests,
  begin: BeginStream,
  signal: AbortSignal = new AbortController().signal,
  unread?: UnreadBytes,
): AsyncIterableIterator<ItemMessage, undefined> {
  const asItIs = { read: (message: DuplexMessage) => message, write: (item: ItemMessage) => item };
  return serveStreamWith(requests, begin, asItIs, { signal, unread });
}

function callWith(ahead: number): DuplexMessage {
  const call: CallEnvelope = {
    routine: "r",
    arguments: encodePayload([], "arguments"),
    callId: "",
    parentId: "",
    ahead,
    tags: [],
  };
  return { kind: "call", call };
}

function value(item: unknown): DuplexMessage & ItemMessage {
  return { kind: "value", payload: encodePayload(item, "item") };
}

function credit(items: number): DuplexMessage {
  return { kind: "credit", items };
}

/** A routine that counts up, and what it has made so far. */
function counter(to = Infinity) {
  const made: number[] = [];
  let left = false;
  async function* items(): AsyncGenerator<EncodedPayload> {
    try {
      for (let n = 1; n <= to; n++) {
        made.push(n);
        yield encodePayload(n, "item");
      }
    } finally {
      left = true;
    }
  }
  return { made, begin: () => items(), left: () => left };
}

/** Every microtask has run; nothing here waits for anything else, so that nothing moves by itself any more. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function plain(message: ItemMessage): unknown {
  return message.kind === "value" ? decodePayload(message.payload, "item") : message;
}

Deno.test("serveStream() begins the call with the first message, not before it is read", async () => {
  let begun: CallEnvelope | undefined;
  const requests = new Requests().say({ kind: "unknown" }, callWith(4));
  const items = serveStream(requests, (call) => {
    begun = call;
    return counter(1).begin();
  });
  await settled();
  assert.equal(begun, undefined);
  assert.equal(plain((await items.next()).value!), 1);
  assert.equal(begun!.routine, "r");
  assert.equal((await items.next()).done, true);
});

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() refuses a stream that does not begin with its call, or has two, ${how}`, async () => {
    for (const first of [value(1), credit(1)]) {
      await assert.rejects(
        serveStream(new Requests(isTakeable).say(first), counter().begin).next(),
        InvalidPayload,
      );
    }
    await assert.rejects(
      serveStream(new Requests(isTakeable).end(), counter().begin).next(),
      InvalidPayload,
    );
    const requests = new Requests(isTakeable).say(callWith(1), callWith(1));
    const items = serveStream(requests, counter().begin);
    await assert.rejects(async () => {
      for (;;) await items.next();
    }, InvalidPayload);
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() refuses items after the end of the caller's stream, which nobody would bound, ${how}`, async () => {
    const items = new Array(2_000).fill(value(1));
    const requests = new Requests(isTakeable).say(callWith(1), { kind: "end" }, ...items);
    const stream = serveStream(requests, counter().begin);
    await assert.rejects(async () => {
      for (;;) await stream.next();
    }, { name: "InvalidPayload", message: /after the end/ });
    assert.ok(requests.taken <= 4, `${requests.taken} messages were read`);
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() pauses the routine once ahead items are unread, ${how}`, async () => {
    const { made, begin } = counter();
    const requests = new Requests(isTakeable).say(callWith(3));
    const items = serveStream(requests, begin);
    for (let n = 1; n <= 3; n++) assert.equal(plain((await items.next()).value!), n);
    const fourth = items.next();
    await settled();
    assert.deepEqual(made, [1, 2, 3]);
    requests.say(credit(2));
    assert.equal(plain((await fourth).value!), 4);
    assert.equal(plain((await items.next()).value!), 5);
    items.next();
    await settled();
    assert.deepEqual(made, [1, 2, 3, 4, 5]);
    await items.return?.();
  });
}

Deno.test("serveStream() ends the routine when it is left while it waits for credit", async () => {
  const { begin, left } = counter();
  const items = serveStream(new Requests().say(callWith(1)), begin);
  await items.next();
  const waiting = items.next();
  await settled();
  await items.return?.();
  assert.equal(left(), true);
  assert.equal((await waiting).done, true);
});

Deno.test("serveStream() leaves a caller that gives no credit to flow control", async () => {
  const items = serveStream(new Requests().say(callWith(0)), counter(100).begin);
  const read = await Array.fromAsync({ [Symbol.asyncIterator]: () => items }, plain);
  assert.equal(read.length, 100);
});

Deno.test("serveStream() leaves the rest to flow control once the caller can grant nothing more", async () => {
  const items = serveStream(new Requests().say(callWith(2)).end(), counter(100).begin);
  assert.equal((await Array.fromAsync({ [Symbol.asyncIterator]: () => items })).length, 100);
});

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() still waits for credit once the caller's input has ended, ${how}`, async () => {
    const { made, begin } = counter();
    const requests = new Requests(isTakeable).say(callWith(2), { kind: "end" });
    const items = serveStream(requests, begin);
    for (let n = 1; n <= 2; n++) assert.equal(plain((await items.next()).value!), n);
    const third = items.next();
    await settled();
    assert.deepEqual(made, [1, 2]);
    requests.say(credit(1));
    assert.equal(plain((await third).value!), 3);
    await items.return?.();
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() gives credit for what the routine has read of the input, and no more, ${how}`, async () => {
    const requests = new Requests(isTakeable).say(callWith(4), value(1), value(2), value(3));
    let read: AsyncIterator<EncodedPayload> | undefined;
    const items = serveStream(requests, (_call, input) => {
      read = input[Symbol.asyncIterator]();
      return { next: () => new Promise(() => {}) };
    });
    const first = items.next();
    await settled();
    await read!.next();
    // At once: the caller need not keep what it sent any longer.
    assert.deepEqual(plain((await first).value!), { kind: "credit", items: 1 });
    const second = items.next();
    await read!.next();
    await settled();
    await read!.next();
    assert.deepEqual(plain((await second).value!), { kind: "credit", items: 2 });
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() hands the input to the routine in order, to its end, ${how}`, async () => {
    const requests = new Requests(isTakeable).say(callWith(8), value("a"), credit(1), value("b"), {
      kind: "end",
    });
    const items = serveStream(requests, (_call, input) => input[Symbol.asyncIterator]());
    const read = await Array.fromAsync({ [Symbol.asyncIterator]: () => items }, plain);
    assert.deepEqual(read.filter((item) => typeof item === "string"), ["a", "b"]);
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() stops reading from a caller that sends what nobody reads, ${how}`, async () => {
    const requests = new Requests(isTakeable).say(callWith(0xffffffff));
    for (let i = 0; i < 5_000; i++) requests.say(value(i));
    const items = serveStream(requests, counter().begin);
    await items.next();
    await settled();
    assert(requests.taken < 1_100, `${requests.taken} taken`);
    const bulky = new Requests(isTakeable).say(callWith(1_000));
    for (let i = 0; i < 20; i++) bulky.say(value("x".repeat(1024 * 1024)));
    const held = serveStream(bulky, counter().begin);
    await held.next();
    await settled();
    assert(bulky.taken < 12, `${bulky.taken} taken`);
    await Promise.all([items.return?.(), held.return?.()]);
  });
}

/** Room for what a peer's streams keep unread. */
class Room implements UnreadBytes {
  bytes = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: number): void {
    this.bytes += bytes;
  }

  hasRoom(): boolean {
    return this.bytes < this.#most;
  }
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() reads no further than a peer's streams have room together, ${how}`, async () => {
    const kib = 1024;
    const room = new Room(256 * kib);
    const text = "x".repeat(100 * kib);
    const ends = [];
    const inputs: AsyncIterator<EncodedPayload>[] = [];
    const callers = [1, 2, 3].map(() =>
      new Requests(isTakeable).say(callWith(1_000), ...Array(20).fill(value(text)))
    );
    for (const requests of callers) {
      const items = serveStream(
        requests,
        (_call, input) => {
          inputs.push(input[Symbol.asyncIterator]());
          return { next: () => new Promise(() => {}) };
        },
        undefined,
        room,
      );
      items.next();
      ends.push(() => items.return?.());
      await settled();
    }
    const taken = callers.map(({ taken }) => taken - 1);
    // 3 of the first, 1 of each other: what there was room for before they came, and the first 64 KiB of each.
    assert.deepEqual(taken.map((items) => items <= 4), [true, true, true], `${taken} taken`);
    assert(taken.every((items) => items > 0) && room.bytes > 256 * kib, `${room.bytes} kept`);
    // Those who read go on, to the last item.
    for (let read = 0; read < 20; read++) assert.equal((await inputs[2]!.next()).done, false);
    await Promise.all(ends.map((end) => end()));
    assert.equal(room.bytes, 0);
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() fails with the caller's stream, also while it waits for credit, ${how}`, async () => {
    const { begin, left } = counter();
    const requests = new Requests(isTakeable).say(callWith(1));
    const items = serveStream(requests, begin);
    await items.next();
    const waiting = items.next();
    const lost = new Error("lost");
    requests.end(lost);
    await assert.rejects(waiting, (error) => error === lost);
    assert.equal(left(), true);
  });
}

for (const [how, isTakeable] of WAYS) {
  Deno.test(`serveStream() bears credit without end, ${how}`, async () => {
    const requests = new Requests(isTakeable).say(callWith(1));
    for (let i = 0; i < 100; i++) requests.say(credit(0xffffffff));
    const items = serveStream(requests, counter(50).begin);
    assert.equal((await Array.fromAsync({ [Symbol.asyncIterator]: () => items })).length, 50);
  });
}

Deno.test("serveStream() ends the routine when its signal aborts while it waits for credit", async () => {
  const { begin, left } = counter();
  const controller = new AbortController();
  const items = serveStream(new Requests().say(callWith(1)), begin, controller.signal);
  await items.next();
  const waiting = items.next();
  await settled();
  const reason = new Error("cancelled");
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.equal(left(), true);
});

Deno.test("serveStream() does not forget an abort that comes while nobody reads", async () => {
  const { begin, left } = counter();
  const controller = new AbortController();
  const items = serveStream(new Requests().say(callWith(1)), begin, controller.signal);
  await items.next();
  const reason = new Error("cancelled");
  controller.abort(reason);
  await assert.rejects(() => items.next(), (error) => error === reason);
  assert.equal(left(), true);
});

Deno.test("serveStream() does not begin a call that was aborted, nor waits for its first message", async () => {
  const { begin, made } = counter();
  const reason = new Error("cancelled");
  const aborted = serveStream(new Requests().say(callWith(1)), begin, AbortSignal.abort(reason));
  await assert.rejects(aborted.next(), (error) => error === reason);
  const controller = new AbortController();
  const silent = serveStream(new Requests(), begin, controller.signal).next();
  controller.abort(reason);
  await assert.rejects(silent, (error) => error === reason);
  assert.deepEqual(made, []);
});

Deno.test("serveStream() that is left cuts off the input, whatever of it may be unread", async () => {
  for (const ahead of [0, 4]) {
    const read = Promise.withResolvers<string>();
    const requests = new Requests().say(callWith(ahead), credit(9), value(1));
    const messages = serveStream(requests, async function* (_call, input) {
      Array.fromAsync(input).then(() => read.resolve("all"), ({ name }) => read.resolve(name));
      yield encodePayload("begun", "item");
    });
    await messages.next();
    void messages.return?.();
    requests.end();
    assert.equal(await read.promise, "AbortError");
  }
});
