/** Every event as a line of the log, with nothing but what it must have. */
import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { EventHub, type EventOf, type EventType, type Unstamped } from "../mod.ts";

const peer = { address: "10.0.0.1:50000" };
const worker = { address: "10.0.0.2:8443" };
const certificate = {
  subject: "CN=a",
  issuer: "CN=ca",
  serial: "01",
  fingerprint: "ff",
  names: [],
  notBefore: "2030-01-01T00:00:00.000Z",
  notAfter: "2030-01-02T00:00:00.000Z",
};
const thrown = { name: "Error", message: "x" };

/** Events without what they may lack. */
const least: { readonly [Type in EventType]?: Omit<Unstamped<EventOf<Type>>, "type"> } = {
  "call.failed": {
    side: "worker",
    kind: "routine",
    routine: "a.b",
    outcome: "routine-error",
    thrown,
    declared: false,
    unreported: 0,
  },
  "worker.fault": { part: "rpc", thrown, unreported: 0 },
  "peer.accepted": { side: "worker", peer, security: "plaintext" },
  "peer.expiring": { side: "worker", peer, stage: "expired", secondsLeft: -1 },
  "handshake.failed": { side: "worker", reason: "tls-alert", worker, evidence: {} },
  "handshake.refused": { side: "worker", reason: "tls-alert", peer, evidence: {} },
  "credentials.rejected": { reason: "expired", message: "x", keptExpired: false },
  "credentials.expiring": { certificate, stage: "expired", secondsLeft: -1 },
  "security.posture": { security: "plaintext", strict: false, policy: false, tokens: false },
  "dispatch.denied": { routine: "a.b", peer, rule: "default-deny" },
  "dispatch.unauthenticated": { routine: "a.b", peer, reason: "token-missing" },
  "dispatch.retried": { routine: "a.b", worker, cause: "goaway", attempt: 1 },
  "discovery.rejected": { source: "lan:a", message: "x" },
  "security.loopback-announced": { source: "etcd:a", address: "127.0.0.1:1" },
  "worker.crashed": { workerId: "w1", message: "x" },
  "worker.restarted": { workerId: "w2", attempt: 1 },
};

Deno.test("no line of the log shows a part that its event does not have", async () => {
  const lines: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => lines.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "debug", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    using hub = new EventHub("w1");
    for (const [type, event] of Object.entries(least)) hub.emit({ type, ...event } as never);
  } finally {
    await reset();
  }
  assert.equal(lines.length, Object.keys(least).length);
  for (const { message, properties } of lines) {
    const text = message.map((part) => String(part)).join("");
    assert.doesNotMatch(text, /undefined|\{|\[object/, `${properties.type}: ${text}`);
    if (properties.type === "credentials.expiring") {
      assert.equal(text, "our certificate expired 1 s ago");
    }
  }
});
