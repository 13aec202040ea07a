import assert from "node:assert/strict";
import { Transform } from "node:stream";
import { Code } from "@connectrpc/connect";
import { GatherBudget } from "./gather_budget.ts";
import { budgetOfRequests, inflateWithin, Inflation } from "./inflation.ts";

const KIB = 1024;

/** Gives what the test pushes. */
function pushed(): Transform {
  return new Transform({ transform: (_chunk, _encoding, done) => done(), flush: () => {} });
}

const tooLarge = (maxBytes: number) => new RangeError(`${maxBytes}`);

async function nextTurn(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}

Deno.test("an Inflation takes of the budget what there is of its message, until it is disposed", async () => {
  const budget = new GatherBudget(1000 * KIB);
  const engine = pushed();
  {
    using inflation = new Inflation(budget, 500 * KIB, tooLarge);
    const reading = inflation.read(engine, new Uint8Array(1));
    engine.push(new Uint8Array(100 * KIB).fill(1));
    await nextTurn();
    // Beyond the first 64 KiB, as of any message.
    assert.equal(budget.spentBytes, 36 * KIB);
    engine.push(new Uint8Array(200 * KIB).fill(2));
    engine.push(null);
    const message = await reading;
    assert.equal(message.byteLength, 300 * KIB);
    assert.deepEqual([message[0], message.at(-1)], [1, 2]);
    // The next part of the same message.
    const next = pushed();
    const rest = inflation.read(next, new Uint8Array(1));
    next.push(new Uint8Array(100 * KIB));
    next.push(null);
    await rest;
    assert.equal(budget.spentBytes, 336 * KIB);
  }
  assert.equal(budget.spentBytes, 0);
});

Deno.test("an Inflation fails where all messages together take too much, and reads no further", async () => {
  const budget = new GatherBudget(1000 * KIB);
  budget.change(0, 900 * KIB);
  const engine = pushed();
  {
    using inflation = new Inflation(budget, 500 * KIB, tooLarge);
    const reading = inflation.read(engine, new Uint8Array(1));
    engine.push(new Uint8Array(200 * KIB));
    engine.push(new Uint8Array(200 * KIB));
    await assert.rejects(reading, { code: Code.ResourceExhausted });
    assert.equal(engine.destroyed, true);
  }
  await nextTurn();
  assert.equal(budget.spentBytes, 836 * KIB);
});

Deno.test("an Inflation fails where its message is larger than it may be, in whatever parts", async () => {
  const budget = new GatherBudget(1000 * KIB);
  {
    using inflation = new Inflation(budget, 500 * KIB, tooLarge);
    const engines = [pushed(), pushed()];
    const first = inflation.read(engines[0]!, new Uint8Array(1));
    engines[0]!.push(new Uint8Array(300 * KIB));
    engines[0]!.push(null);
    await first;
    const second = inflation.read(engines[1]!, new Uint8Array(1));
    engines[1]!.push(new Uint8Array(300 * KIB));
    await assert.rejects(second, RangeError);
  }
  assert.equal(budget.spentBytes, 0);
});

Deno.test("budgetOfRequests() is that of inflateWithin() for all that it starts, however late", async () => {
  const budget = new GatherBudget(1000);
  const found = inflateWithin(budget, async () => {
    await nextTurn();
    return budgetOfRequests();
  });
  assert.notEqual(budgetOfRequests(), budget);
  assert.equal(await found, budget);
});
