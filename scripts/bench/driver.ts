/**
 * Measures one build: a worker process of its own and a dispatcher here, mutual TLS, one connection. It
 * is asked by JSON lines on standard input, and answers each with one; `bench.ts` starts it.
 *
 * @module
 */
import { Dispatcher } from "../../mod.ts";
import { processorUs } from "./processor_time.ts";
import { add, blob, chunks, echo, sink, size as sizeOf } from "./routines.ts";
import type { Figure, ScenarioName, Task } from "./scenarios.ts";
import { WorkerProcess } from "./worker_process.ts";
import { readLines } from "../../src/pool/line_reader.ts";

await using worker = await WorkerProcess.start();
await using dispatcher = await Dispatcher.open({
  discovery: `static:${worker.address}`,
  credentials: worker.callerCredentials,
  identity: worker.identity,
});
await dispatcher.ready();

for await (const line of readLines(Deno.stdin.readable)) {
  const { scenario, durationMs } = JSON.parse(line) as Task;
  console.log(JSON.stringify(await measured(scenario, durationMs)));
}

/** One figure, with the processor time of both ends. */
async function measured(scenario: ScenarioName, durationMs: number): Promise<Figure> {
  const before = await processorUs(Deno.pid, worker.pid);
  const { count, value } = await run(scenario, durationMs);
  const after = await processorUs(Deno.pid, worker.pid);
  return { value, cpuUs: (after - before) / count };
}

/** How much was done, and the figure. */
interface Done {
  readonly count: number;
  readonly value: number;
}

function run(scenario: ScenarioName, durationMs: number): Promise<Done> {
  const [kind, size, streams] = scenario.split("-") as [string, string, string];
  const bytes = size === "64k" ? 65_536 : 32;
  switch (kind) {
    case "calls":
      return size === "1"
        ? medianOf(() => dispatcher.call(add, [1, 2]), durationMs)
        : calls(Number(size), durationMs);
    case "result":
      return payloads(size, durationMs, (bytes) => dispatcher.call(blob, [bytes]));
    case "argument":
      return payloads(
        size,
        durationMs,
        (bytes) => dispatcher.call(sizeOf, [new Uint8Array(bytes)]),
      );
    case "down":
      return items(bytes, Number(streams), durationMs, down);
    case "up":
      return items(bytes, Number(streams), durationMs, up);
    default:
      return roundTrips(durationMs);
  }
}

async function calls(callers: number, durationMs: number): Promise<Done> {
  const start = performance.now();
  let count = 0;
  await Promise.all(Array.from({ length: callers }, async (_, seed) => {
    for (let n = seed; performance.now() < start + durationMs; n++) {
      if (await dispatcher.call(add, [n, 1]) !== n + 1) throw new Error("a wrong sum");
      count++;
    }
  }));
  return { count, value: count / (performance.now() - start) * 1_000 };
}

/** Calls one after the other that carry that many MiB. */
async function payloads(
  size: string,
  durationMs: number,
  once: (bytes: number) => Promise<unknown>,
): Promise<Done> {
  const bytes = parseInt(size) * 1024 * 1024 - 1024;
  const start = performance.now();
  let count = 0;
  for (; performance.now() < start + durationMs; count++) await once(bytes);
  return { count, value: count * bytes / 1e3 / (performance.now() - start) };
}

async function medianOf(once: () => Promise<unknown>, durationMs: number): Promise<Done> {
  const taken: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const start = performance.now();
    await once();
    taken.push(performance.now() - start);
  }
  taken.sort((a, b) => a - b);
  return { count: taken.length, value: taken[taken.length >> 1]! };
}

async function items(
  bytes: number,
  streams: number,
  durationMs: number,
  one: (bytes: number, until: number) => Promise<number>,
): Promise<Done> {
  const start = performance.now();
  const counts = await Promise.all(
    Array.from({ length: streams }, () => one(bytes, start + durationMs)),
  );
  const count = counts.reduce((sum, each) => sum + each, 0);
  const perSecond = count / (performance.now() - start) * 1_000;
  return { count, value: bytes < 1_000 ? perSecond : perSecond * bytes / 1e6 };
}

/** Reads a stream of the worker until then. */
async function down(bytes: number, until: number): Promise<number> {
  let count = 0;
  for await (const item of dispatcher.stream(chunks, [1e9, bytes])) {
    if (item.length !== bytes) throw new Error("a wrong item");
    // Asking the clock costs as much as a small item.
    if ((++count & 31) === 0 && performance.now() > until) return count;
  }
  return count;
}

/** Sends the worker a stream until then. */
async function up(bytes: number, until: number): Promise<number> {
  const item = new Uint8Array(bytes);
  let count = 0;
  async function* source() {
    while ((++count & 31) !== 0 || performance.now() < until) yield item;
    count--;
  }
  for await (const received of dispatcher.duplex(sink, source(), [])) {
    if (received !== count * bytes) throw new Error("something got lost");
  }
  return count;
}

/** Sends an item and waits for it to come back, again and again on one stream. */
async function roundTrips(durationMs: number): Promise<Done> {
  let answered = Promise.withResolvers<void>();
  const end = performance.now() + durationMs;
  async function* source() {
    for (let n = 0; performance.now() < end; n++) {
      yield n;
      await answered.promise;
      answered = Promise.withResolvers<void>();
    }
  }
  const taken: number[] = [];
  let start = performance.now();
  for await (const _ of dispatcher.duplex(echo, source(), [])) {
    const now = performance.now();
    taken.push(now - start);
    start = now;
    answered.resolve();
  }
  taken.sort((a, b) => a - b);
  return { count: taken.length, value: taken[taken.length >> 1]! };
}
