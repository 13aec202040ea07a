import assert from "node:assert/strict";
import { left, renderTop, type TopView } from "./top_view.ts";

const VIEW: TopView = {
  title: "dns:math.internal:8443",
  at: Date.UTC(2026, 0, 1, 12),
  summary: "2 workers, 1 ready",
  head: ["WORKER", "IDENTITY", "STATE"],
  rows: Array.from({ length: 30 }, (_, n) => [
    `10.0.0.${n}:8443`,
    `spiffe://example.org/ns/a-rather-long-name/sa/another-rather-long-name/${n}`,
    "ready",
  ]),
  refusals: { "untrusted-authority": 1, "identity-mismatch": 3 },
};

Deno.test("renderTop fits a terminal of 80 columns and 24 rows, and says what it leaves out", () => {
  const lines = renderTop(VIEW, { columns: 80, rows: 24 });
  assert.ok(lines.length <= 24);
  assert.ok(lines.every((line) => line.length <= 80));
  assert.match(lines[4]!, /^10\.0\.0\.0:8443 +spiffe:.*….*\/0 +ready$/);
  assert.match(lines.join("\n"), /… and 13 more/);
  assert.equal(lines.at(-1), "refusals: identity-mismatch 3, untrusted-authority 1");
  assert.deepEqual(renderTop(VIEW, { columns: 0, rows: 0 }), lines);
});

Deno.test("left says how long a certificate lasts", () => {
  const now = 1_000_000;
  assert.equal(left(now + 23.5 * 3_600_000, now), "23h 30m");
  assert.equal(left(now + 500, now), "500ms");
  assert.equal(left(now - 1, now), "expired");
  assert.equal(left(undefined, now), "-");
});
