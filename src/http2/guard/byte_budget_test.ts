import { notStrictEqual, strictEqual } from "node:assert/strict";
import { ByteBudget, byteBudget, PeerBytes, processByteBudget } from "./byte_budget.ts";

Deno.test("ByteBudget cuts off who holds more than an equal share, only where it is used up", () => {
  const budget = new ByteBudget(100);
  budget.join();
  budget.join();
  budget.add(100);
  strictEqual(budget.exceeds(90), false);
  budget.add(1);
  strictEqual(budget.exceeds(90), true);
  strictEqual(budget.exceeds(11), false);
  budget.add(-50);
  strictEqual(budget.exceeds(90), false);
  strictEqual(budget.heldBytes, 51);
});

Deno.test("byteBudget() gives that of the process, or one of its own where a limit is set", () => {
  strictEqual(byteBudget(undefined), processByteBudget);
  const own = byteBudget(1024);
  strictEqual(own.limitBytes, 1024);
  notStrictEqual(byteBudget(1024), own);
});

Deno.test("PeerBytes gives a peer one share, however many connections it has", () => {
  const budget = new ByteBudget(100);
  const greedy = new PeerBytes(budget);
  const modest = new PeerBytes(budget);
  for (let connection = 0; connection < 10; connection++) greedy.join();
  modest.join();
  for (let connection = 0; connection < 10; connection++) greedy.add(8);
  modest.add(30);
  strictEqual(modest.exceeds(), false);
  strictEqual(greedy.exceeds(), true);
  strictEqual(modest.hasRoom(), false);
  for (let connection = 0; connection < 10; connection++) {
    greedy.add(-8);
    greedy.leave();
  }
  strictEqual(budget.heldBytes, 30);
  strictEqual(modest.hasRoom(), true);
  modest.add(71);
  strictEqual(modest.exceeds(), true);
});
