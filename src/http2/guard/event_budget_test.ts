import { strictEqual } from "node:assert/strict";
import { EventBudget } from "./event_budget.ts";
import { ManualTime } from "../../../tests/support/http2/test_peer.ts";

function spend(budget: EventBudget, events: number): number {
  let within = 0;
  for (let event = 0; event < events; event++) if (budget.spend()) within++;
  return within;
}

Deno.test("EventBudget allows a burst and then what time earns back", () => {
  const time = new ManualTime();
  const budget = new EventBudget(10, 2, time.clock);
  strictEqual(spend(budget, 20), 10);
  time.advance(2000);
  strictEqual(spend(budget, 20), 4);
  time.advance(1_000_000);
  strictEqual(spend(budget, 20), 10);
});

Deno.test("EventBudget is earned back by useful work, up to its burst", () => {
  const budget = new EventBudget(10, 0, new ManualTime().clock);
  budget.earn(100);
  strictEqual(spend(budget, 20), 10);
  budget.earn(3);
  strictEqual(spend(budget, 20), 3);
});
