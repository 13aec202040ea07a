import assert from "node:assert/strict";
import { duplexRoutine, implement, type Routine, routine } from "../../contract/mod.ts";
import { ConfigurationError, UnknownRoutine } from "../../errors/mod.ts";
import { RoutineTable } from "./routine_table.ts";

const add = routine(
  "math.add",
  { idempotent: true, version: "2" },
  (a: number, b: number) => a + b,
);
const primes = routine("math.primes", async function* (to: number) {
  yield to;
});
const chat = duplexRoutine("chat", async function* (said: AsyncIterable<string>) {
  yield* said;
});
const area: Routine<(w: number, h: number) => number> = routine("math.area");

function table(...modules: Record<string, unknown>[]): RoutineTable {
  return new RoutineTable(modules.map((exports, i) => ({ origin: `module-${i}.ts`, exports })));
}

Deno.test("RoutineTable finds the routines among a module's exports", () => {
  const served = table({ add, PI: 3, helper: () => 1, none: null }, { primes });
  assert.equal(served.size, 2);
  assert.equal(served.get("math.add"), add);
  assert.equal(served.find("math.none"), undefined);
});

Deno.test("RoutineTable describes its routines by name", () => {
  assert.deepEqual(table({ primes, chat, add }).describe(), [
    { name: "chat", shape: "duplex", idempotent: false },
    { name: "math.add", version: "2", shape: "unstated", idempotent: true },
    { name: "math.primes", shape: "stream", idempotent: false },
  ]);
});

Deno.test("RoutineTable refuses two routines of one name, and says where they are", () => {
  const other = routine("math.add", (a: number) => a);
  assert.throws(() => table({ add }, { other }), (error) => {
    assert(error instanceof ConfigurationError);
    assert.match(error.message, /"math.add".*module-0.ts \(add\).*module-1.ts \(other\)/);
    return true;
  });
});

Deno.test("RoutineTable takes one routine that is exported twice for one", () => {
  assert.equal(table({ add, alias: add }, { add }).size, 1);
});

Deno.test("RoutineTable passes over a contract that is implemented, whatever the order", () => {
  const areaHere = implement(area, (w, h) => w * h);
  assert.equal(table({ area }, { areaHere }).get("math.area"), areaHere);
  assert.equal(table({ areaHere, area }).size, 1);
});

Deno.test("RoutineTable refuses a contract that nothing implements", () => {
  assert.throws(() => table({ area }), (error) => {
    assert(error instanceof ConfigurationError);
    assert.match(error.message, /"math.area".*implement\(area, …\)/);
    return true;
  });
});

Deno.test("RoutineTable calls a contract of a list no name that it has not", () => {
  const list = [area] as unknown as Record<string, unknown>;
  assert.throws(() => table(list), /"math.area".*implement\(the contract, …\)/);
});

Deno.test("RoutineTable names the nearest routine for one it does not have", () => {
  assert.throws(() => table({ add, primes }).get("math.ad"), (error) => {
    assert(error instanceof UnknownRoutine);
    assert.equal(error.nearest, "math.add");
    return true;
  });
  assert.throws(() => table({ add }).get("zoo"), (error) => {
    assert.equal((error as UnknownRoutine).nearest, undefined);
    return true;
  });
});
