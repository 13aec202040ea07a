import assert from "node:assert/strict";
import { AuthorizationError, ConfigurationError } from "../mod.ts";
import { routine } from "../src/contract/mod.ts";
import { inMemory } from "../src/testing/mod.ts";
import { cedarPolicy } from "./cedar_policy.ts";

const POLICIES = `
  @id("batch")
  permit (principal, action == Action::"call", resource in Module::"math")
  when { principal in Domain::"example.org" };
  @id("never drop")
  forbid (principal, action, resource == Routine::"math.drop");
`;

Deno.test("Cedar decides about calls, and its policies are the rules of denials", async () => {
  let ran = 0;
  const count = () => ++ran;
  const routines = [
    routine("math.add", count),
    routine("math.drop", count),
    routine("db.read", count),
  ] as const;
  const [add, drop, read] = routines;
  const policy = cedarPolicy(POLICIES);
  await using ours = await inMemory({ routines, policy, as: "spiffe://example.org/batch/a" });
  assert.equal(await ours.dispatcher.call(add, []), 1);
  const denied: readonly (readonly [typeof ours, typeof add, string])[] = [
    [ours, drop, "never drop"],
    [ours, read, "no policy permits it"],
  ];
  for (const [{ dispatcher }, called, rule] of denied) {
    await assert.rejects(dispatcher.call(called, []), (error) => {
      assert.ok(error instanceof AuthorizationError, String(error));
      assert.equal(error.rule, rule);
      return true;
    });
  }
  await using others = await inMemory({ routines, policy, as: "spiffe://example.com/batch/a" });
  await assert.rejects(others.dispatcher.call(add, []), AuthorizationError);
  assert.equal(ran, 1);
  assert.throws(() => cedarPolicy("permit (principal"), ConfigurationError);
});
