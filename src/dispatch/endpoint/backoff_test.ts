import assert from "node:assert/strict";
import { backoffMs } from "./backoff.ts";

Deno.test("backoffMs() doubles with every failure from 0.1 s up to 30 s", () => {
  const shortest = [1, 2, 3, 8, 9, 50, 5_000].map((failures) => backoffMs(failures, 0));
  assert.deepEqual(shortest, [100, 200, 400, 12_800, 15_000, 15_000, 15_000]);
  assert.ok(backoffMs(50, 0.999) < 30_000);
});

Deno.test("backoffMs() spreads the waits over their upper half", () => {
  assert.deepEqual([0, 0.5, 1].map((random) => backoffMs(3, random)), [400, 600, 800]);
});
