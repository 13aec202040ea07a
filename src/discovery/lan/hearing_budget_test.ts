import assert from "node:assert/strict";
import type { Clock } from "../../observe/mod.ts";
import { HearingBudget } from "./hearing_budget.ts";

/** A time that only reading takes. */
class ReadingTime implements Clock {
  ms = 0;

  now(): number {
    return this.ms;
  }

  steady(): number {
    return this.ms;
  }

  schedule(): never {
    throw new Error("nothing is scheduled");
  }
}

/** How many of a flood are read, each of which takes `costMs`. */
function readOf(clock: ReadingTime, budget: HearingBudget, flood: number, costMs: number): number {
  let read = 0;
  for (let at = 0; at < flood; at++) {
    budget.spend(() => {
      read++;
      clock.ms += costMs;
    });
  }
  return read;
}

Deno.test("HearingBudget reads 500 messages a second, and fewer where reading them takes long", () => {
  const clock = new ReadingTime();
  const budget = new HearingBudget(clock);
  assert.equal(readOf(clock, budget, 2_000, 0), 500);
  clock.ms = 1_000;
  assert.equal(readOf(clock, budget, 2_000, 30), 7);
  clock.ms = 2_000;
  assert.equal(readOf(clock, budget, 10, 1), 10);
});

Deno.test("HearingBudget counts what a message took that could not be read", () => {
  const clock = new ReadingTime();
  const budget = new HearingBudget(clock);
  assert.throws(() =>
    budget.spend(() => {
      clock.ms += 500;
      throw new Error("no message");
    })
  );
  assert.equal(readOf(clock, budget, 10, 0), 0);
});
