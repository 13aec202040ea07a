import assert from "node:assert/strict";
import { HandshakeCounts } from "./mod.ts";

Deno.test("HandshakeCounts counts by reason and remembers the last failure", () => {
  const counts = new HandshakeCounts();
  assert.equal(new HandshakeCounts().last, undefined);
  assert.deepEqual(counts.byReason(), {});
  const at = "2030-01-01T00:00:00.000Z";
  counts.record({ reason: "certificate-expired", at });
  counts.record({ reason: "certificate-expired", at });
  counts.record({ reason: "client-certificate-refused", peerReason: "subject-not-allowed", at });
  assert.equal(counts.total, 3);
  assert.deepEqual(counts.byReason(), {
    "certificate-expired": 2,
    "client-certificate-refused": 1,
  });
  assert.equal(counts.last?.peerReason, "subject-not-allowed");
});

Deno.test("HandshakeCounts.byReason() gives a copy", () => {
  const counts = new HandshakeCounts();
  const before = counts.byReason();
  counts.record({ reason: "tls-alert", at: "2030-01-01T00:00:00.000Z" });
  assert.deepEqual(before, {});
});
