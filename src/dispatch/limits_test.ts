import assert from "node:assert/strict";
import { defaultDispatcherLimits, resolveDispatcherLimits } from "./limits.ts";

Deno.test("resolveDispatcherLimits() gives every default, and what is set in its place", () => {
  assert.deepEqual(resolveDispatcherLimits(), defaultDispatcherLimits);
  const resolved = resolveDispatcherLimits({ shortestBackoffMs: 5, handshakes: undefined });
  assert.deepEqual(resolved, { ...defaultDispatcherLimits, shortestBackoffMs: 5 });
});

for (
  const limits of [
    { handshakes: 0 },
    { messageBytes: NaN },
    { longestBackoffMs: -1 },
    { verdict: { chainBytes: 0 } },
    { http2: { connectionWindowBytes: 1 } },
  ]
) {
  Deno.test(`resolveDispatcherLimits() refuses ${Deno.inspect(limits)}`, () => {
    assert.throws(() => resolveDispatcherLimits(limits), { name: "ConfigurationError" });
  });
}
