import assert from "node:assert/strict";
import { measureKept, type Windows } from "./kept.ts";

/** Windows with given results, and how long each was. */
function reported(alone: number[], beside: number[]): { windows: Windows; lengths: number[] } {
  const lengths: number[] = [];
  const next = (values: number[], ms: number): Promise<number> => {
    lengths.push(ms);
    return Promise.resolve(values.shift() ?? assert.fail("one window too many"));
  };
  const windows = {
    alone: (ms: number) => next(alone, ms),
    beside: (ms: number) => next(beside, ms),
  };
  return { windows, lengths };
}

Deno.test("measureKept() takes each window against its neighbours, and the median of them", async () => {
  // The machine slows down by half, and one window is spoilt.
  const { windows, lengths } = reported([100, 100, 60, 40], [80, 8, 40]);
  const kept = await measureKept(windows, { pairs: 3, windowMs: 10 });
  assert.deepEqual(kept, { ratio: 0.8, alone: 80, beside: 40 });
  assert.deepEqual(lengths, Array(7).fill(10));
});

Deno.test("measureKept() measures again, and longer, what is too little", async () => {
  const { windows, lengths } = reported([100, 100, 100, 100], [40, 60]);
  const kept = await measureKept(windows, { pairs: 1, windowMs: 10 });
  assert.deepEqual(kept, { ratio: 0.6, alone: 100, beside: 60 });
  assert.deepEqual(lengths, [10, 10, 10, 20, 20, 20]);
});

Deno.test("measureKept() believes what is too little three times", async () => {
  const { windows, lengths } = reported(Array(6).fill(100), [40, 30, 20]);
  assert.equal((await measureKept(windows, { pairs: 1, windowMs: 10 })).ratio, 0.2);
  assert.deepEqual(lengths.filter((_, at) => at % 3 === 0), [10, 20, 40]);
});
