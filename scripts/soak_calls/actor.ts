import assert from "node:assert/strict";
import type { Caller } from "../../src/contract/mod.ts";
import type { Random } from "./random.ts";
import * as routines from "./routines.ts";

/** Calls an actor makes at random, each with the check of how it ends. */
export type Actions = Readonly<Record<string, () => Promise<void>>>;

const LARGEST_BYTES = 256 * 1024;
const MOST_ITEMS = 200;
const LONGEST_MS = 40;

/** What one actor may do with a caller. */
export function actionsOf(caller: Caller<unknown, unknown>, random: Random): Actions {
  return {
    call: async () => {
      const bytes = new Uint8Array(random.below(random.of([100, 10_000, LARGEST_BYTES])));
      bytes.fill(random.below(256));
      assert.deepEqual(await caller.call(routines.echo, [bytes]), bytes);
    },
    stream: async () => {
      const limit = random.below(MOST_ITEMS);
      let next = 0;
      for await (const n of caller.stream(routines.count, [limit])) assert.equal(n, next++);
      assert.equal(next, limit);
    },
    "stream left half-way": async () => {
      const enough = random.below(MOST_ITEMS);
      let next = 0;
      for await (const n of caller.stream(routines.count, [1e9])) {
        assert.equal(n, next++);
        if (next > enough) break;
      }
    },
    duplex: async () => {
      const numbers = Array.from({ length: random.below(MOST_ITEMS) }, () => random.below(1000));
      const items = caller.duplex(routines.double, numbersOf(numbers), []);
      assert.deepEqual(await Array.fromAsync(items), numbers.map((n) => 2 * n));
    },
    "duplex left half-way": async () => {
      for await (const n of caller.duplex(routines.double, numbersOf([1, 2, 3, 4]), [])) {
        if (n === 4) break;
      }
    },
    cancel: async () => {
      const reason = new Error("cancelled");
      const cancelling = new AbortController();
      const timer = setTimeout(() => cancelling.abort(reason), random.below(LONGEST_MS));
      const call = caller.call(routines.wait, [], { signal: cancelling.signal });
      try {
        await ending(call, (error) => error === reason);
      } finally {
        clearTimeout(timer);
      }
    },
    deadline: async () => {
      const timeoutMs = 1 + random.below(LONGEST_MS);
      await ending(
        caller.call(routines.wait, [], { timeoutMs }),
        (error) => error instanceof Error && error.name === "DeadlineExceeded",
      );
    },
    failure: async () => {
      const message = String(random.below(1e9));
      await ending(
        caller.call(routines.fail, [message]),
        (error) => error instanceof Error && error.message.includes(message),
      );
    },
  };
}

async function* numbersOf(numbers: readonly number[]): AsyncGenerator<number> {
  for (const n of numbers) {
    yield n;
    await Promise.resolve();
  }
}

/** Waits for a call that must fail, and in the right way. */
async function ending(call: Promise<unknown>, right: (error: unknown) => boolean): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (right(error)) return;
    throw error;
  }
  throw new Error("it did not fail");
}
