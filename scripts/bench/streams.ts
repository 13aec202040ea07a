/**
 * Measures streams of routines between two processes under mutual TLS, on one connection: small items
 * on one stream and on sixteen, with the default `ahead` and a larger one, items sent back and forth,
 * items of 64 KiB, and streams of one item, one after the other. Prints one JSON line.
 *
 * `deno run -A scripts/bench/streams.ts`
 *
 * @module
 */
import { Dispatcher } from "../../mod.ts";
import { chunks, echo, numbers } from "./routines.ts";
import { WorkerProcess } from "./worker_process.ts";

const ITEMS = 200_000;
const LARGE_ITEMS = 4_000;
const LARGE_BYTES = 65_536;
const SHORT_STREAMS = 6_000;
const DEFAULT_AHEAD = 16;
const MORE_AHEAD = 256;

await using worker = await WorkerProcess.start();
await using dispatcher = await Dispatcher.open({
  discovery: `static:${worker.address}`,
  credentials: worker.callerCredentials,
  identity: worker.identity,
});

await manyItems(1, DEFAULT_AHEAD);
await shortStreams();
console.log(JSON.stringify({
  itemsPerSecond: await rate(ITEMS, () => manyItems(1, DEFAULT_AHEAD)),
  itemsPerSecondAhead256: await rate(ITEMS, () => manyItems(1, MORE_AHEAD)),
  itemsPerSecond16Streams: await rate(ITEMS, () => manyItems(16, DEFAULT_AHEAD)),
  itemsPerSecond16StreamsAhead256: await rate(ITEMS, () => manyItems(16, MORE_AHEAD)),
  echoedPerSecondAhead256: await rate(ITEMS, echoed),
  largeMegabytesPerSecond: await rate(LARGE_ITEMS * LARGE_BYTES / 1e6, largeItems),
  shortStreamsPerSecond: await rate(SHORT_STREAMS, shortStreams),
}));

async function rate(count: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return Math.round(count / (performance.now() - start) * 1_000);
}

async function manyItems(streams: number, ahead: number): Promise<void> {
  const count = ITEMS / streams;
  await Promise.all(Array.from({ length: streams }, async () => {
    let expected = 0;
    for await (const n of dispatcher.stream(numbers, [count], { ahead })) {
      if (n !== expected++) throw new Error("a wrong item");
    }
    if (expected !== count) throw new Error(`${expected} items instead of ${count}`);
  }));
}

async function echoed(): Promise<void> {
  let count = 0;
  for await (const _ of dispatcher.duplex(echo, counting(), [], { ahead: MORE_AHEAD })) count++;
  if (count !== ITEMS) throw new Error(`${count} items instead of ${ITEMS}`);
}

function* counting(): Generator<number> {
  for (let n = 0; n < ITEMS; n++) yield n;
}

async function largeItems(): Promise<void> {
  let bytes = 0;
  for await (const chunk of dispatcher.stream(chunks, [LARGE_ITEMS, LARGE_BYTES])) {
    bytes += chunk.length;
  }
  if (bytes !== LARGE_ITEMS * LARGE_BYTES) throw new Error(`${bytes} bytes`);
}

async function shortStreams(): Promise<void> {
  for (let n = 0; n < SHORT_STREAMS; n++) {
    for await (const item of dispatcher.stream(numbers, [1])) {
      if (item !== 0) throw new Error("a wrong item");
    }
  }
}
