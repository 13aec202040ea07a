import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { checkedTimeout } from "./call_settings.ts";

Deno.test("checkedTimeout() takes what timers and protocols can carry, and names the limit", () => {
  for (const timeoutMs of [0, 0.5, 2 ** 31 - 1]) assert.equal(checkedTimeout(timeoutMs), timeoutMs);
  for (const timeoutMs of [2 ** 31, 1e12, Infinity, NaN, -1]) {
    assert.throws(() => checkedTimeout(timeoutMs), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /up to 2147483647/);
      return true;
    });
  }
});
