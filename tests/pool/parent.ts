/**
 * A program with a pool: prints the processes of its workers, then goes on until it is ended; with
 * `compute` one of them computes meanwhile.
 */
import { WorkerPool } from "../../src/pool/mod.ts";
import { compute, processId } from "./routines.ts";

const pool = await WorkerPool.open({
  spawn: { count: 2, modules: [new URL("./routines.ts", import.meta.url)] },
});
Deno.addSignalListener("SIGTERM", async () => {
  await pool[Symbol.asyncDispose]();
  Deno.exit(0);
});
const processes = new Set<number>();
while (processes.size < 2) processes.add(await pool.call(processId, []));
console.log(JSON.stringify([...processes]));
if (Deno.args.includes("compute")) void pool.call(compute, []);
setInterval(() => {}, 60_000);
