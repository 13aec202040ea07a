/** Routines that the tests of the command line serve. */
import { duplexRoutine, routine } from "../../src/contract/mod.ts";

export const add = routine(
  "cli.add",
  { version: "3", idempotent: true },
  (a: number, b = 1) => a + b,
);

export const count = routine("cli.count", async function* (to: number) {
  for (let n = 1; n <= to; n++) yield n;
});

export const fail = routine("cli.fail", () => {
  throw Object.assign(new RangeError("too large"), { code: 7, secret: "stays" });
});

export const wait = routine("cli.wait", async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return "waited";
});

export const nothing = routine("cli.nothing", () => {});

export const square = routine("cli.square", { run: "thread" }, (n: number) => n * n);

/** Says that it has begun, and after a while that it is done. */
export const steps = routine("cli.steps", async function* (ms: number) {
  yield "begun";
  await new Promise((resolve) => setTimeout(resolve, ms));
  yield "done";
});

/** The sum so far, for each item of the caller's. */
export const tally = duplexRoutine(
  "cli.tally",
  async function* (input: AsyncIterable<number>, start: number) {
    let sum = start;
    for await (const n of input) yield sum += n;
  },
);

/** Takes one item, and ends. */
export const firstOf = duplexRoutine(
  "cli.first",
  async function* (input: AsyncIterable<number>) {
    for await (const item of input) {
      yield item;
      return;
    }
  },
);
