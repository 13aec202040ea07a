import assert from "node:assert/strict";
import { duplexRoutine, implement, isRoutine, ROUTINE, type Routine, routine } from "./mod.ts";

Deno.test("routine() keeps its name, options and function", () => {
  const run = (a: number, b = 1) => a + b;
  const add = routine("math.add", { idempotent: true, version: "2" }, run);
  assert.equal(add.name, "math.add");
  assert.deepEqual(add.options, { idempotent: true, version: "2" });
  assert.equal(add.implementation, run);
});

Deno.test("routine() knows the shape of a generator function only", () => {
  assert.equal(routine("a", async function* () {}).shape, "stream");
  assert.equal(routine("a", function* () {}).shape, "stream");
  assert.equal(routine("a", async () => {}).shape, "unstated");
  assert.equal(routine("a").shape, "unstated");
});

Deno.test("routine() without a function declares a contract", () => {
  const area: Routine<(w: number, h: number) => number> = routine("math.area", { version: "1" });
  assert.equal("implementation" in area, false);
  assert.equal(area.options.version, "1");
});

Deno.test("routine() throws a TypeError for what is no name", () => {
  for (
    const name of ["", ".", "a.", ".a", "a..b", "1a", "a.1", "-a", "a b", "ä", "a/b", "a\n"]
  ) {
    assert.throws(() => routine(name), TypeError, name);
  }
  assert.throws(() => routine("a".repeat(129)), TypeError);
  for (const name of ["a", "a.b", "math.add-2", "_x.Y_9", "a".repeat(128)]) routine(name);
});

Deno.test("duplexRoutine() declares a duplex routine, with and without its function", () => {
  assert.equal(duplexRoutine("chat").shape, "duplex");
  const tally = duplexRoutine("tally", async function* (input: AsyncIterable<number>) {
    yield* input;
  });
  assert.equal(tally.shape, "duplex");
  assert.equal(typeof tally.implementation, "function");
});

Deno.test("implement() keeps the contract's name and lets its own options win", () => {
  const area: Routine<(w: number, h: number) => number> = routine("math.area", {
    idempotent: true,
    run: "inline",
  });
  const here = implement(area, { run: "thread" }, (w, h) => w * h);
  assert.equal(here.name, "math.area");
  assert.deepEqual(here.options, { idempotent: true, run: "thread" });
  assert.equal(implement(duplexRoutine("chat"), async function* () {}).shape, "duplex");
});

Deno.test("isRoutine() goes by the registered symbol, so that copies of the package agree", () => {
  assert.equal(ROUTINE, Symbol.for("selvage.routine"));
  assert.equal(isRoutine(routine("a")), true);
  assert.equal(isRoutine({ [Symbol.for("selvage.routine")]: true, name: "a" }), true);
  for (const value of [null, undefined, {}, () => 1, { name: "a", options: {} }]) {
    assert.equal(isRoutine(value), false);
  }
});
