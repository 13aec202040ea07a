import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { longest } from "./transport.ts";
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

Deno.test("a transport's time is checked the same, and none or less is no limit to it", () => {
  for (const timeoutMs of [undefined, -1, 0, 0.5, 2 ** 31 - 1]) {
    assert.equal(longest(timeoutMs), timeoutMs);
  }
  for (const timeoutMs of [2 ** 31, Infinity, NaN]) {
    assert.throws(() => longest(timeoutMs), /up to 2147483647/);
  }
});
