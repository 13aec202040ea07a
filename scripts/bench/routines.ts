import { duplexRoutine, routine } from "../../src/contract/mod.ts";

/** The smallest call there is. */
export const add = routine("bench.add", (a: number, b: number) => a + b);

/** Counts up to a number. */
export const numbers = routine("bench.numbers", async function* (count: number) {
  for (let n = 0; n < count; n++) yield n;
});

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
