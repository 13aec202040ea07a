import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { heldBytes, survivedBytes } from "./held_bytes.ts";

/** The smallest call there is. */
export const add = routine("bench.add", (a: number, b: number) => a + b);

/** Sends back what it is sent. */
export const same = routine("bench.same", (bytes: Uint8Array) => bytes);

/** Sends bytes, so many at a time. */
export const chunks = routine("bench.chunks", async function* (count: number, bytes: number) {
  const chunk = new Uint8Array(bytes);
  for (let n = 0; n < count; n++) yield chunk;
});

/** Sends back what it is sent. */
export const echo = duplexRoutine("bench.echo", async function* (input: AsyncIterable<number>) {
  yield* input;
});

/** Counts the bytes that it is sent. */
export const sink = duplexRoutine("bench.sink", async function* (input: AsyncIterable<Uint8Array>) {
  let bytes = 0;
  for await (const item of input) bytes += item.length;
  yield bytes;
});

/** Answers with so many bytes. */
export const blob = routine("bench.blob", (bytes: number) => new Uint8Array(bytes));

/** Counts the bytes of an argument. */
export const size = routine("bench.size", (bytes: Uint8Array) => bytes.length);

/** Heap and external memory in use after collections, in bytes. */
export const held = routine("bench.held", heldBytes);

/** Garbage that survived while it was young, in bytes. */
export const survived = routine("bench.survived", survivedBytes);

const TICK_MS = 5;

/** How late timers of this process are for so long: the 99th percentile in milliseconds. */
export const loopDelay = routine("bench.delay", async (durationMs: number) => {
  const late: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    late.push(performance.now() - start - TICK_MS);
  }
  late.sort((a, b) => a - b);
  return late[Math.floor(late.length * 0.99)] ?? 0;
});
