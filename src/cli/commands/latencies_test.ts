import assert from "node:assert/strict";
import { Latencies } from "./latencies.ts";

Deno.test("Latencies gives quantiles to a hundredth, and the ends exactly", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms++) latencies.add(ms);
  const { min, mean, p50, p95, p99, max } = latencies.summary()!;
  assert.deepEqual([min, max], [1, 1_000]);
  assert.equal(mean, 501); // 500.5 to three digits
  for (const [found, expected] of [[p50, 500], [p95, 950], [p99, 990]] as const) {
    assert.ok(Math.abs(found - expected) <= expected * 0.011, `${found} for ${expected}`);
  }
});

Deno.test("Latencies of nothing are not zero", () => {
  assert.equal(new Latencies().summary(), undefined);
});
