import assert from "node:assert/strict";
import { RetryBudget } from "./retry_budget.ts";

Deno.test("RetryBudget allows a burst, and then a share of the calls", () => {
  const budget = new RetryBudget(0.1, 10);
  const granted = () => {
    budget.earn();
    return budget.spend();
  };
  const first = Array.from({ length: 20 }, granted).filter(Boolean).length;
  assert.ok(first >= 10 && first <= 12, String(first));
  const later = Array.from({ length: 1_000 }, granted).filter(Boolean).length;
  assert.ok(later >= 99 && later <= 101, String(later));
});

Deno.test("RetryBudget saves no more than the burst", () => {
  const budget = new RetryBudget(0.1, 3);
  for (let call = 0; call < 1_000; call++) budget.earn();
  assert.equal(Array.from({ length: 10 }, () => budget.spend()).filter(Boolean).length, 3);
});
