import assert from "node:assert/strict";
import { tableOf } from "./workers_command.ts";

Deno.test("tableOf() shows each worker in a line, and why one is not ready", () => {
  const now = Date.UTC(2026, 0, 1);
  const [head, ready, failing] = tableOf([
    {
      address: "10.0.0.1:8443",
      identity: "spiffe://x/w",
      state: "ready",
      tags: ["gpu", "eu"],
      inFlight: 0,
      handshakeFailures: {},
      certificateEnds: now + 23.5 * 3_600_000,
      lastFailure: new Error("an earlier one"),
    },
    {
      address: "10.0.0.2:8443",
      state: "failing",
      tags: [],
      inFlight: 0,
      handshakeFailures: {},
      lastFailure: new Error("it is\u001b[2J down"),
    },
  ], now);
  assert.match(head!, /^WORKER +IDENTITY +STATE +TAGS +CERTIFICATE +PROBLEM$/);
  assert.match(ready!, /^10\.0\.0\.1:8443 +spiffe:\/\/x\/w +ready +gpu,eu +23h 30m$/);
  assert.match(failing!, /^10\.0\.0\.2:8443 +- +failing +- +- +it is\\u001b\[2J down$/);
});
