/**
 * What `src/platform/scoped_value.ts` needs of the platform: a record of the values in force that is kept with all that
 * a function puts off, and that may hold values beside those of `AsyncLocalStorage`. Where a canary here fails, revisit
 * that file; without it the call that a routine serves is kept in an `AsyncLocalStorage`, and is slower.
 */
import assert from "node:assert/strict";
import { scopedValue, StoredValue } from "../../src/platform/scoped_value.ts";

Deno.test("the platform's record of values in force can be read and set", async () => {
  const value = scopedValue<string>("selvage.canary");
  assert.ok(!(value instanceof StoredValue), "the plain path is taken");
  const seen = await value.run("a", async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return value.get();
  });
  assert.equal(seen, "a");
});
