import { duplexRoutine, routine } from "../../src/contract/mod.ts";

/** Gives back what it is given. */
export const echo = routine("soak.echo", (n: number) => n);

/** Takes that long, in milliseconds. */
export const linger = routine("soak.linger", async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
});

/** Counts from 1. */
export const count = routine("soak.count", async function* (limit: number) {
  for (let n = 1; n <= limit; n++) yield n;
});

/** Gives back every item as it arrives. */
export const echoes = duplexRoutine("soak.echoes", async function* (input: AsyncIterable<number>) {
  yield* input;
});
