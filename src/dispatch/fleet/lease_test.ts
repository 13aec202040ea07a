import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { leaseOf, placeOnRing } from "./lease.ts";

Deno.test("placeOnRing() halves the widest gap with each ordinal", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(placeOnRing), [0, 0.5, 0.25, 0.75, 0.125]);
  assert.ok(placeOnRing(2 ** 32 - 1) < 1);
});

Deno.test("leaseOf() takes a number of workers, or that and an ordinal, and nothing else", () => {
  assert.equal(leaseOf(undefined), undefined);
  assert.deepEqual(leaseOf(3), { workers: 3 });
  assert.deepEqual(leaseOf({ workers: 3, ordinal: 0 }), { workers: 3, ordinal: 0 });
  const wrong = [0, -1, 1.5, NaN, "3", null, {}, { workers: 3, ordinal: -1 }];
  for (const setting of wrong) {
    assert.throws(() => leaseOf(setting as never), ConfigurationError, String(setting));
  }
});
