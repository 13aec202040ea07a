/** The index of a policy decides as reading its rules from the first to the last does. */
import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { namedPeer } from "../../identity/mod.ts";
import { CompiledPolicy } from "./compiled_policy.ts";
import type { PolicySubject } from "./decision.ts";
import { readPolicy } from "./read_policy.ts";

const IDS = [
  "spiffe://example.org/client/a",
  "spiffe://example.org/client/b",
  "spiffe://partner.test/client/a",
  "worker.pool.internal",
  "a.worker.pool.internal",
  "cn:build agent",
];
const NAMES = ["math.add", "math.Add", "math.add.x", "math", "acme.v1.Echo/Say", "acme.v1.Echo/Sa"];

const who = fc.constantFrom(
  "*",
  "anonymous",
  "spiffe://example.org/client/*",
  "spiffe://example.org/**",
  "dns:*.pool.internal",
  ...IDS,
);
const what = fc.constantFrom("*", "**", "math.*", "**.add", "acme.v1.Echo/*", "m*h.a*d", ...NAMES);
const claim = fc.constantFrom("x", 1, true, { has: "x" }, { has: 1 }, { glob: "x*" });
const rule = fc.record({
  effect: fc.constantFrom("allow", "deny"),
  who: fc.array(who, { minLength: 1, maxLength: 3 }),
  what: fc.array(what, { minLength: 1, maxLength: 3 }),
  tags: fc.array(fc.constantFrom("gpu", "eu"), { minLength: 1, maxLength: 2 }),
  claims: fc.dictionary(fc.constantFrom("a", "a.b", "c"), claim, { minKeys: 1, maxKeys: 2 }),
}, { requiredKeys: ["effect"] });
const claims = fc.dictionary(
  fc.constantFrom("a", "a.b", "c"),
  fc.constantFrom("x", "x y", 1, "1", true, "true", null, ["x"], [1], { b: "x" }, { b: 1 }),
);

Deno.test("CompiledPolicy decides as its rules do, read one after another, the first time and again", () => {
  const subject = fc.record({
    id: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
    claims: fc.option(claims, { nil: undefined }),
  });
  fc.assert(fc.property(
    fc.array(rule, { maxLength: 8 }),
    fc.constantFrom("allow", "deny"),
    fc.array(subject, { minLength: 1, maxLength: 4 }),
    (rules, fallback, subjects) => {
      const policy = new CompiledPolicy(readPolicy({ rules, default: fallback }, { claims: true }));
      const asking: PolicySubject[] = subjects.map(({ id, claims }) => ({
        identity: id === undefined ? undefined : namedPeer(id, "test"),
        claims,
      }));
      for (let again = 0; again < 2; again++) {
        for (const subject of asking) {
          for (const name of NAMES) {
            for (const tags of [[], ["gpu"], ["eu", "gpu"]]) {
              const { allowed, rule } = policy.explain(subject, { name, tags });
              assert.deepEqual(policy.decide(subject, { name, tags }), { allowed, rule });
            }
          }
        }
      }
    },
  ));
});
