import assert from "node:assert/strict";
import {
  AllWorkersFailed,
  HandshakeError,
  RoutineError,
  WorkerUnavailable,
} from "../errors/mod.ts";
import { readableFailure } from "./failure_line.ts";

const REFUSED = new HandshakeError({
  reason: "identity-mismatch",
  side: "dispatcher",
  worker: { address: "10.0.0.7:8443" },
  evidence: {
    found: "it presents spiffe://x/other",
    advice: "give --identity the name it has",
    expected: ["spiffe://x/worker", "spiffe://x/other-worker"],
    certificate: {
      subject: "CN=worker",
      issuer: "CN=an authority",
      serial: "17",
      fingerprint: "ab12",
      names: ["spiffe://x/other", "dns:worker.x"],
      notBefore: "2026-01-01T00:00:00.000Z",
      notAfter: "2026-01-02T00:00:00.000Z",
    },
  },
});

Deno.test("readableFailure() says what failed in the first line, and each detail once below it", () => {
  const lines = readableFailure(REFUSED);
  assert.equal(lines[0], `HandshakeError (identity-mismatch): ${REFUSED.message}`);
  assert.ok(lines.includes("    address: 10.0.0.7:8443") || REFUSED.message.includes("10.0.0.7"));
  assert.ok(lines.includes("    expected: spiffe://x/worker, spiffe://x/other-worker"));
  assert.ok(lines.includes(
    "    certificate: CN=worker, spiffe://x/other, dns:worker.x, " +
      "from 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z",
  ));
  // The message holds both sentences already.
  assert.match(lines[0]!, /presents spiffe:\/\/x\/other/);
  assert.equal(lines.filter((line) => line.includes("presents")).length, 1);
});

Deno.test("readableFailure() shows each worker's own failure further in", () => {
  const down = new WorkerUnavailable("worker b:2 cannot be reached", {
    worker: { address: "b:2" },
    notBegun: true,
  });
  const lines = readableFailure(
    new AllWorkersFailed([
      { worker: { address: "10.0.0.7:8443" }, error: REFUSED },
      { worker: { address: "b:2" }, error: down },
    ]),
  );
  assert.match(lines[0]!, /^AllWorkersFailed: /);
  assert.ok(lines.includes("  WorkerUnavailable: worker b:2 cannot be reached"));
  assert.ok(lines.some((line) => line.startsWith("  HandshakeError (identity-mismatch): ")));
});

Deno.test("readableFailure() leaves nothing of a peer's text that a terminal would obey", () => {
  const error = new RoutineError("math.add", {
    message: "a\u001b[2Jb\nc",
    remoteName: "Evil\u001b]0;title\u0007",
    data: { code: "\u202e" },
  });
  const shown = readableFailure(error).join("\n");
  assert.ok(!["\u001b", "\u0007", "\u202e"].some((one) => shown.includes(one)));
  assert.match(shown, /a\\u001b\[2Jb\\nc/);
});
