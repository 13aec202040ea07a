/**
 * Measures one build: workers in processes of their own and a dispatcher here, one connection. It is asked by JSON
 * lines on standard input, and answers each with one; `bench.ts` starts it.
 *
 * @module
 */
import { readLines } from "../../src/pool/line_reader.ts";
import { Ground } from "./ground.ts";
import { adds, arguments_, echoes, plainServices, results, services } from "./measures/calls.ts";
import {
  connects,
  delays,
  leftAtDispatcher,
  leftAtWorker,
  memoryOfDispatcher,
  memoryOfIdleWorker,
  memoryOfWorker,
} from "./measures/connections.ts";
import type { Measure } from "./measures/measure.ts";
import { down, duplex, serviceDown, serviceUp, up } from "./measures/streams.ts";
import {
  bulkDelaysCalls,
  bulkKeepsRate,
  pausedReaders,
  pausedReadersStream,
  sentBulkDelaysCalls,
  sentBulkKeepsRate,
} from "./measures/waiting.ts";
import { processorUs } from "./processor_time.ts";
import type { Figure, Task } from "./scenarios.ts";

/** How each kind of scenario is measured. */
const MEASURES: Readonly<Record<string, Measure>> = {
  calls: adds((ground) => ground.mutual()),
  echo64b: echoes,
  service: services,
  service_plain: plainServices,
  policy100: adds((ground) => ground.mutual({ rules: 100 })),
  policy10000: adds((ground) => ground.mutual({ rules: 10_000 })),
  token: adds((ground) => ground.token()),
  one_way: adds((ground) => ground.oneWay(false)),
  one_way_native: adds((ground) => ground.oneWay(true)),
  plaintext: adds((ground) => ground.plaintext("tcp")),
  unix: adds((ground) => ground.plaintext("unix")),
  result: results,
  argument: arguments_,
  down,
  up,
  service_down: serviceDown,
  service_up: serviceUp,
  duplex,
  connect: connects,
  paused_readers: pausedReaders,
  paused_readers_stream: pausedReadersStream,
  bulk_delays_calls: bulkDelaysCalls,
  bulk_keeps_rate: bulkKeepsRate,
  sent_bulk_delays_calls: sentBulkDelaysCalls,
  sent_bulk_keeps_rate: sentBulkKeepsRate,
  loop_delay: delays,
  workers1: adds((ground) => ground.mutual({ workers: 1 })),
  workers10: adds((ground) => ground.mutual({ workers: 10 })),
  workers100: adds((ground) => ground.mutual({ workers: 100 })),
  routines10: adds((ground) => ground.mutual({ routines: 10 })),
  routines1000: adds((ground) => ground.mutual({ routines: 1_000 })),
  routines10000: adds((ground) => ground.mutual({ routines: 10_000 })),
  memory_worker: memoryOfWorker,
  memory_dispatcher: memoryOfDispatcher,
  memory_idle: memoryOfIdleWorker,
  left_worker: leftAtWorker,
  left_dispatcher: leftAtDispatcher,
};

/** How long a figure may take, in milliseconds: a build may stand still where another passes. */
const LONGEST_MS = 40_000;

await using ground = new Ground();
for await (const line of readLines(Deno.stdin.readable)) {
  console.log(JSON.stringify(await figureOf(JSON.parse(line))));
}

async function inTime<T>(done: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it takes too long")), LONGEST_MS);
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The figure, with the processor time of both ends; none, and why on standard error, where this build has none. */
async function figureOf({ scenario, durationMs }: Task): Promise<Figure> {
  const [kind = "", ...parts] = scenario.split("-");
  const measure = MEASURES[kind];
  if (measure === undefined) return {};
  try {
    const pair = await measure.pair(ground);
    const before = await processorUs(Deno.pid, pair.worker.pid);
    const { count, value } = await inTime(measure.run(pair, parts, durationMs, ground));
    const after = await processorUs(Deno.pid, pair.worker.pid);
    return { value, ...(count > 0 && { cpuUs: (after - before) / count }) };
  } catch (error) {
    console.error(`${scenario}: ${error}, in ${new URL("../..", import.meta.url).pathname}`);
    return {};
  }
}
