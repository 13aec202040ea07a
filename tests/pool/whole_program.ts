/** A program of one file: its routines, and the pool that serves them, by its defaults. Prints what it found. */
import { routine } from "../../src/contract/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";

export const square = routine("program.square", (n: number) => ({ square: n * n, by: Deno.pid }));

if (import.meta.main) {
  await using pool = await WorkerPool.open({});
  const { square: answer, by } = await pool.call(square, [7]);
  console.log(JSON.stringify({
    answer,
    elsewhere: by !== Deno.pid,
    workers: pool.workers().length,
    cores: navigator.hardwareConcurrency,
  }));
}
