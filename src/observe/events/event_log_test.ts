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
  "credentials.advice": { generation: 1, advice: [], total: 0, skipped: 1 },
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

/** What a line says that has all it can have. */
const whole: readonly [event: Record<string, unknown>, text: string][] = [
  [
    { type: "worker.draining", workerId: "w1", inFlight: 2, graceMs: 25_000 },
    "worker w1 drains 2 calls within 25s",
  ],
  [
    { type: "worker.draining", workerId: "w1", inFlight: 1, graceMs: 90_000 },
    "worker w1 drains 1 call within 1m 30s",
  ],
  [
    { type: "worker.unresponsive", workerId: "w1", silentMs: 61_000 },
    "worker w1 has answered nothing for 1m 1s and is ended",
  ],
  [
    { type: "worker.idle", workerId: "w1", idleSeconds: 11_520 },
    "worker w1 has had no call for 3h 12m",
  ],
  [
    {
      type: "credentials.expiring",
      certificate,
      stage: "nearly-over",
      secondsLeft: 90,
      authority: "CN=signing",
    },
    'the authority "CN=signing" of our certificate\'s chain has 1m 30s left (nearly-over)',
  ],
  [
    {
      type: "handshake.refused",
      side: "worker",
      reason: "subject-not-allowed",
      peer,
      evidence: { found: "it presents spiffe://x/a\n", advice: "add its name" },
    },
    "handshake with client 10.0.0.1:50000 failed: subject-not-allowed (worker side); " +
    "it presents spiffe://x/a\\n; add its name",
  ],
  [
    {
      type: "handshake.failed",
      side: "worker",
      reason: "tls-alert",
      worker,
      evidence: { found: "x" },
    },
    "handshake with worker 10.0.0.2:8443 failed: tls-alert (worker side); x",
  ],
  [
    {
      type: "security.posture",
      security: "mutual-tls",
      strict: false,
      policy: false,
      tokens: false,
      open: ["a", "b"],
    },
    "security: mutual-tls; open: a; b",
  ],
  [
    {
      type: "credentials.rejected",
      reason: "expired",
      message: "x",
      keptGeneration: 1,
      keptExpired: true,
    },
    "credentials cannot be used: expired: x; generation 1 stays in use, and has expired",
  ],
  [
    {
      type: "credentials.rejected",
      reason: "unreadable",
      message: "ca: gone does not exist",
      keptExpired: false,
      waitsMs: 9_850,
    },
    "credentials cannot be used: unreadable: ca: gone does not exist; " +
    "the start waits 10s for what can be used",
  ],
  [
    {
      type: "credentials.advice",
      generation: 1,
      advice: [
        { rule: "leaf.lifetime", found: "it is valid for 823 days" },
        { rule: "leaf.not-before", found: "a\nb" },
      ],
      total: 3,
      skipped: 1,
    },
    "our certificates could be better: leaf.lifetime, it is valid for 823 days; " +
    "leaf.not-before, a\\nb; 1 more; 1 of the bundles skipped; selvage certs check FILE says how",
  ],
];

Deno.test("the log says what was found, what to do, what is open, and what stays in use", async () => {
  const events = whole.map(([event]) => event);
  assert.deepEqual((await logged(events)).map(textOf), whole.map(([, text]) => text));
});

Deno.test("a worker that finds itself is no line of level info", async () => {
  const found = ["own", "dns:a:1"].map((source) => ({ type: "discovery.added", source, worker }));
  assert.deepEqual((await logged(found)).map(({ level }) => level), ["debug", "info"]);
});

Deno.test("no line of the log shows a part that its event does not have", async () => {
  const lines = await logged(Object.entries(least).map(([type, event]) => ({ type, ...event })));
  assert.equal(lines.length, Object.keys(least).length);
  for (const record of lines) {
    const { properties } = record;
    const text = textOf(record);
    assert.doesNotMatch(text, /undefined|\{|\[object/, `${properties["type"]}: ${text}`);
    if (properties["type"] === "credentials.expiring") {
      assert.equal(text, "our certificate expired 1s ago");
    }
  }
});

/** What the log holds of some events. */
async function logged(events: readonly object[]): Promise<readonly LogRecord[]> {
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
    for (const event of events) hub.emit(event as never);
  } finally {
    await reset();
  }
  return lines;
}

function textOf({ message }: LogRecord): string {
  return message.map((part) => String(part)).join("");
}
