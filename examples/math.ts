/**
 * Routines to try things with:
 *
 * ```sh
 * deno task selvage worker examples/math.ts
 * deno task selvage call math.add '[1, 2]' --endpoint 127.0.0.1:PORT
 * ```
 *
 * @module
 */
import { duplexRoutine, routine } from "@selvage/runtime/routine";

/** Answers once. */
export const add = routine("math.add", { idempotent: true }, (a: number, b = 1) => a + b);

/** Answers with a stream; leaving the loop at the caller ends it here. */
export const primes = routine("math.primes", async function* (limit: number) {
  for (let n = 2; n <= limit; n++) if (isPrime(n)) yield n;
});

/** Answers with a stream while it is sent one. */
export const tally = duplexRoutine(
  "math.tally",
  async function* (input: AsyncIterable<number>, start: number) {
    let sum = start;
    for await (const n of input) yield sum += n;
  },
);

/** Computes for long, in a thread: the worker goes on answering. */
export const countPrimes = routine("math.count-primes", { run: "thread" }, (limit: number) => {
  let count = 0;
  for (let n = 2; n <= limit; n++) if (isPrime(n)) count += 1;
  return count;
});

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return false;
  }
  return true;
}
