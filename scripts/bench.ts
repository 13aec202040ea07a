/**
 * Measures calls a second at 64 callers and the median latency at one: two processes, mutual TLS,
 * one connection. Prints a table on stderr and one JSON line on stdout.
 *
 * `deno task bench [--seconds N]`
 *
 * @module
 */
import { WorkerProcess } from "./bench/worker_process.ts";
import { add } from "./bench/routines.ts";
import { Dispatcher } from "../mod.ts";

const CALLERS = 64;
const seconds = secondsFrom(Deno.args);

await using worker = await WorkerProcess.start();
await using dispatcher = await Dispatcher.open({
  discovery: `static:${worker.address}`,
  credentials: worker.callerCredentials,
  identity: worker.identity,
});
await dispatcher.ready();

await callsPerSecond(CALLERS, 1_000); // warms both ends up
const many = await callsPerSecond(CALLERS, seconds * 1_000);
const single = await latencies(seconds * 1_000);
const result = {
  callers: CALLERS,
  callsPerSecond: Math.round(many),
  medianAtOneMs: round(quantile(single, 0.5)),
  p99AtOneMs: round(quantile(single, 0.99)),
  cores: navigator.hardwareConcurrency,
};
console.error(`calls/s at ${CALLERS} callers   ${result.callsPerSecond}`);
console.error(`median at one caller    ${result.medianAtOneMs} ms (p99 ${result.p99AtOneMs} ms)`);
console.log(JSON.stringify(result));

/** How many calls a second `callers` make who call one after the other, for `durationMs`. */
async function callsPerSecond(callers: number, durationMs: number): Promise<number> {
  const start = performance.now();
  const end = start + durationMs;
  let calls = 0;
  const caller = async (seed: number) => {
    for (let n = seed; performance.now() < end; n++) {
      if (await dispatcher.call(add, [n, 1]) !== n + 1) throw new Error("a wrong sum");
      calls++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, seed) => caller(seed)));
  return calls / (performance.now() - start) * 1_000;
}

/** How long each call of a single caller takes, in milliseconds, sorted. */
async function latencies(durationMs: number): Promise<number[]> {
  const taken: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const start = performance.now();
    await dispatcher.call(add, [1, 2]);
    taken.push(performance.now() - start);
  }
  return taken.sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.floor(sorted.length * q)] ?? NaN;
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function secondsFrom([flag, value]: readonly string[]): number {
  if (flag === undefined) return 5;
  const seconds = Number(value);
  if (flag === "--seconds" && seconds > 0) return seconds;
  console.error("usage: deno task bench [--seconds N]");
  Deno.exit(2);
}
