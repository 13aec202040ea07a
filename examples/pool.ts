/**
 * A pool of workers on this machine: `deno run -A examples/pool.ts`
 *
 * @module
 */
import { WorkerPool } from "@selvage/runtime";
import { add, countPrimes, primes, tally } from "./math.ts";

await using pool = await WorkerPool.open({
  spawn: { modules: [new URL("./math.ts", import.meta.url)] },
});

console.log("1 + 2 =", await pool.call(add, [1, 2]));

for await (const prime of pool.stream(primes, [30])) console.log("prime", prime);

for await (const sum of pool.duplex(tally, [1, 2, 3], [10])) console.log("sum", sum);

// Four calls at once, on as many workers as there are cores.
const limits = [1e5, 2e5, 3e5, 4e5];
const counts = await Promise.all(limits.map((limit) => pool.call(countPrimes, [limit])));
for (const [index, limit] of limits.entries()) {
  console.log("primes up to", limit, ":", counts[index]);
}
