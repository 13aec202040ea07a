/** How routines are tested: with a worker and a dispatcher in memory. */
import assert from "node:assert/strict";
import { inMemory } from "@selvage/runtime/testing";
import * as math from "./math.ts";

Deno.test("math.add adds one where nothing else is said", async () => {
  await using t = await inMemory({ routines: [math.add, math.primes, math.tally] });
  assert.equal(await t.dispatcher.call(math.add, [41]), 42);
});

Deno.test("math.primes ends when its reader has enough", async () => {
  await using t = await inMemory({ routines: [math.primes] });
  const found: number[] = [];
  for await (const prime of t.dispatcher.stream(math.primes, [1_000_000])) {
    if (found.push(prime) === 5) break;
  }
  assert.deepEqual(found, [2, 3, 5, 7, 11]);
});

Deno.test("math.count-primes runs in a thread, so it comes from a module", async () => {
  const modules = [new URL("./math.ts", import.meta.url)];
  await using t = await inMemory({ modules, threads: 1 });
  assert.equal(await t.dispatcher.call(math.countPrimes, [100]), 25);
});
