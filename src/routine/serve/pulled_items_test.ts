import assert from "node:assert/strict";
import { type AnyRoutine, routine } from "../../contract/mod.ts";
import { RoutineError } from "../../errors/mod.ts";
import { type CallContext, enclosingCall } from "../call_context.ts";
import { decodePayload, type EncodedPayload, encodePayload } from "../payload/payload.ts";
import { invokeStream } from "./invoke.ts";
import type { PullableItems } from "./pulled_items.ts";

const CONTEXT = {
  id: "call-1",
  tags: [],
  signal: new AbortController().signal,
} as unknown as CallContext;

/** Reads up to `most` items, then leaves; what it fails with is thrown after that. */
type Path = (items: PullableItems, most?: number) => Promise<unknown[]>;

/** The fast path: the next item is asked for where the last one is taken. */
const pulled: Path = (items, most = Infinity) => {
  const read: unknown[] = [];
  return new Promise((resolve, reject) => {
    const leave = () => void items.return().then(() => resolve(read), reject);
    items.pull!({
      item(payload: EncodedPayload) {
        read.push(decodePayload(payload, "item"));
        if (read.length < most) return true;
        leave();
        return false;
      },
      ended: () => resolve(read),
      failed: (error) => reject(Object.assign(error as Error, { read })),
    });
  });
};

/** The fast path with a pause after each item. */
const pulledOneByOne: Path = (items, most = Infinity) => {
  const read: unknown[] = [];
  return new Promise((resolve, reject) => {
    const receiver = {
      item(payload: EncodedPayload) {
        read.push(decodePayload(payload, "item"));
        if (read.length < most) queueMicrotask(() => items.pull!(receiver));
        else void items.return().then(() => resolve(read), reject);
        return false;
      },
      ended: () => resolve(read),
      failed: (error: unknown) => reject(Object.assign(error as Error, { read })),
    };
    items.pull!(receiver);
  });
};

const iterated: Path = async (items, most = Infinity) => {
  const read: unknown[] = [];
  try {
    for await (const payload of items) {
      read.push(decodePayload(payload, "item"));
      if (read.length === most) break;
    }
  } catch (error) {
    throw Object.assign(error as Error, { read });
  }
  return read;
};

function begin(routine: AnyRoutine): PullableItems {
  return invokeStream(routine, encodePayload([], "arguments"), CONTEXT);
}

for (const [name, path] of Object.entries({ pulled, pulledOneByOne, iterated })) {
  Deno.test(`items that are ${name} come in order, within the call, and end`, async () => {
    const ids: unknown[] = [];
    const counted = routine("t", async function* () {
      for (let n = 0; n < 300; n++) {
        ids.push(enclosingCall()?.id);
        if (n % 7 === 0) await Promise.resolve();
        yield n;
      }
    });
    assert.deepEqual(await path(begin(counted)), Array.from({ length: 300 }, (_, n) => n));
    assert.deepEqual(new Set(ids), new Set(["call-1"]));
    assert.equal(enclosingCall(), undefined);
  });

  Deno.test(`items of a plain iterator that are ${name} come, too`, async () => {
    const sync = routine("t", function* () {
      yield 1;
      yield 2;
    });
    assert.deepEqual(await path(begin(sync)), [1, 2]);
  });

  Deno.test(`items that are ${name} come before the error in their middle`, async () => {
    const failing = routine("t", async function* () {
      yield 1;
      throw new RangeError("enough");
    });
    await assert.rejects(path(begin(failing)), (error) => {
      assert(error instanceof RoutineError);
      assert.deepEqual((error as unknown as { read: unknown[] }).read, [1]);
      return true;
    });
  });

  Deno.test(`leaving items that are ${name} runs the routine's finally within the call`, async () => {
    const ended: unknown[] = [];
    const endless = routine("t", async function* () {
      try {
        for (let n = 0;; n++) yield n;
      } finally {
        await Promise.resolve();
        ended.push(enclosingCall()?.id);
      }
    });
    assert.deepEqual(await path(begin(endless), 3), [0, 1, 2]);
    assert.deepEqual(ended, ["call-1"]);
  });

  Deno.test(`an item that cannot travel ends items that are ${name}, and their routine`, async () => {
    let left = false;
    const unsendable = routine("t", async function* () {
      try {
        yield (() => {}) as unknown as number;
      } finally {
        left = true;
      }
    });
    await assert.rejects(path(begin(unsendable)), { name: "InvalidPayload" });
    assert(left);
  });

  Deno.test(`a routine whose items are not ${name} yet has not begun, and can be left`, async () => {
    let begun = false;
    const idle = routine("t", async function* () {
      begun = true;
      yield 1;
    });
    await begin(idle).return();
    assert(!begun);
  });
}

Deno.test("leaving waits for the item that is being made, and then runs the routine's finally", async () => {
  const entered = Promise.withResolvers<void>();
  const making = Promise.withResolvers<void>();
  const order: string[] = [];
  const slow = routine("t", async function* () {
    try {
      entered.resolve();
      await making.promise;
      order.push("made");
      yield 1;
    } finally {
      order.push("finally");
    }
  });
  const items = begin(slow);
  items.pull!({ item: () => false, ended: () => {}, failed: () => {} });
  await entered.promise;
  const left = items.return();
  making.resolve();
  await left;
  assert.deepEqual(order, ["made", "finally"]);
});
