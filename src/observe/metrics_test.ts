import assert from "node:assert/strict";
import { type Attributes, createNoopMeter, type Meter } from "@opentelemetry/api";
import { type CountedCall, EventHub, Metrics } from "./mod.ts";

interface Point {
  readonly name: string;
  readonly value: number;
  readonly labels: Attributes;
}

type Gauge = (result: { observe(value: number): void }) => void;

/** A meter that keeps what is recorded. */
function recordingMeter(): { meter: Meter; points: Point[]; gauges: Map<string, Set<Gauge>> } {
  const points: Point[] = [];
  const gauges = new Map<string, Set<Gauge>>();
  const write = (name: string) => {
    const record = (value: number, labels: Attributes = {}) => {
      points.push({ name, value, labels });
    };
    return { add: record, record };
  };
  const observable = (name: string) => {
    const callbacks = new Set<Gauge>();
    gauges.set(name, callbacks);
    return {
      addCallback: (callback: Gauge) => callbacks.add(callback),
      removeCallback: (callback: Gauge) => callbacks.delete(callback),
    };
  };
  const meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: write,
    createUpDownCounter: write,
    createHistogram: write,
    createObservableGauge: observable,
  });
  return { meter, points, gauges };
}

function metricsUnderTest() {
  const { meter, points, gauges } = recordingMeter();
  return { metrics: new Metrics(meter), points, gauges };
}

function served(routine: string): CountedCall {
  return { side: "worker", kind: "routine", routine };
}

Deno.test("Metrics records nothing without a registered provider", () => {
  assert.equal(new Metrics().recording, false);
});

Deno.test("Metrics counts a call by routine and outcome, with its duration in seconds", () => {
  const { metrics, points } = metricsUnderTest();
  assert.equal(metrics.recording, true);
  metrics.callBegan("worker");
  metrics.callEnded(served("math.add"), "ok", 250);
  const labels = { side: "worker", routine: "math.add", outcome: "ok" };
  assert.deepEqual(points.slice(0, 4), [
    { name: "selvage.calls.in_flight", value: 1, labels: { side: "worker" } },
    { name: "selvage.calls.in_flight", value: -1, labels: { side: "worker" } },
    { name: "selvage.calls", value: 1, labels },
    { name: "selvage.call.duration", value: 0.25, labels },
  ]);
});

Deno.test("Metrics records a call as OpenTelemetry's conventions for RPC name it", () => {
  const { metrics, points } = metricsUnderTest();
  metrics.callEnded(served("math.add"), "ok", 250);
  metrics.callEnded({ side: "dispatcher", kind: "service", routine: "a.B/C" }, "deadline", 500);
  assert.deepEqual(points.filter(({ name }) => name.startsWith("rpc.")), [
    {
      name: "rpc.server.call.duration",
      value: 0.25,
      labels: {
        "rpc.system.name": "selvage",
        "rpc.method": "math.add",
        "rpc.response.status_code": "OK",
      },
    },
    {
      name: "rpc.client.call.duration",
      value: 0.5,
      labels: {
        "rpc.system.name": "connectrpc",
        "rpc.method": "a.B/C",
        "rpc.response.status_code": "DEADLINE_EXCEEDED",
        "error.type": "deadline",
      },
    },
  ]);
});

Deno.test("Metrics counts TLS handshakes under the names of gRPC beside its own", () => {
  const { metrics, points } = metricsUnderTest();
  metrics.handshake("worker", "ok", "worker");
  metrics.handshake("worker", "certificate-expired", "dispatcher");
  metrics.handshake("worker", "ok");
  assert.deepEqual(
    points.filter(({ name }) => name.startsWith("grpc.")).map(({ name, labels }) => [name, labels]),
    [
      ["grpc.server.tls.handshakes", { "grpc.tls.handshake.result": "success" }],
      ["grpc.client.tls.handshakes", { "grpc.tls.handshake.result": "certificate-expired" }],
    ],
  );
});

Deno.test("Metrics makes one labels object for each routine and outcome", () => {
  const { metrics, points } = metricsUnderTest();
  metrics.callEnded(served("a"), "ok", 1);
  metrics.callEnded(served("a"), "ok", 1);
  const [first, second] = points.filter(({ name }) => name === "selvage.calls");
  assert.equal(first?.labels, second?.labels);
});

Deno.test("Metrics keeps the routine label bounded", () => {
  const { metrics, points } = metricsUnderTest();
  for (let count = 0; count < 3000; count++) metrics.callEnded(served(`r${count}`), "ok", 1);
  metrics.callEnded(served("r0"), "internal", 1);
  const routines = points.filter(({ name }) => name === "selvage.calls")
    .map(({ labels }) => labels["routine"]);
  assert.equal(new Set(routines).size, 1025);
  assert.equal(routines.at(-2), "(other)");
  assert.equal(routines.at(-1), "r0");
});

Deno.test("Metrics moves a connection and a worker from one state to the next", () => {
  const { metrics, points } = metricsUnderTest();
  metrics.connectionMoved(undefined, "connecting");
  metrics.connectionMoved("connecting", "ready");
  metrics.connectionMoved("ready", "ready");
  metrics.workerMoved("failing", undefined);
  assert.deepEqual(points.map(({ name, value, labels }) => [name, value, labels["state"]]), [
    ["selvage.connections", 1, "connecting"],
    ["selvage.connections", -1, "connecting"],
    ["selvage.connections", 1, "ready"],
    ["selvage.workers", -1, "failing"],
  ]);
});

Deno.test("Metrics reports the seconds left while they are watched", () => {
  const { metrics, gauges } = metricsUnderTest();
  const callbacks = gauges.get("selvage.credentials.seconds_left") ?? new Set();
  let left: number | undefined = 90;
  const watch = metrics.watchSecondsLeft(() => left);
  const collect = () => {
    const seen: number[] = [];
    for (const callback of callbacks) callback({ observe: (value) => seen.push(value) });
    return seen;
  };
  assert.deepEqual(collect(), [90]);
  left = undefined;
  assert.deepEqual(collect(), []);
  watch[Symbol.dispose]();
  assert.equal(callbacks.size, 0);
});

Deno.test("EventHub derives the metrics that count events", () => {
  const { metrics, points } = metricsUnderTest();
  using hub = new EventHub("d1", { metrics });
  const peer = { address: "a:1" };
  const worker = peer;
  hub.emit({
    type: "peer.accepted",
    side: "worker",
    peer,
    security: "mutual-tls",
    keyExchange: "X25519MLKEM768",
  });
  hub.emit({
    type: "handshake.failed",
    side: "dispatcher",
    reason: "identity-mismatch",
    worker,
    evidence: {},
  });
  hub.emit({
    type: "handshake.refused",
    side: "worker",
    reason: "subject-not-allowed",
    peer,
    evidence: {},
  });
  hub.emit({ type: "dispatch.denied", routine: "a", peer, rule: "default-deny" });
  hub.emit({ type: "dispatch.unauthenticated", routine: "a", peer, reason: "token-missing" });
  hub.emit({ type: "dispatch.retried", routine: "a", worker, cause: "goaway", attempt: 1 });
  assert.deepEqual(points.filter(({ name }) => !name.startsWith("grpc.")), [
    {
      name: "selvage.key_exchanges",
      value: 1,
      labels: { side: "worker", group: "X25519MLKEM768" },
    },
    { name: "selvage.handshakes", value: 1, labels: { side: "worker", reason: "ok" } },
    {
      name: "selvage.handshakes",
      value: 1,
      labels: { side: "dispatcher", reason: "identity-mismatch" },
    },
    {
      name: "selvage.handshakes",
      value: 1,
      labels: { side: "worker", reason: "subject-not-allowed" },
    },
    { name: "selvage.denials", value: 1, labels: { kind: "authorization" } },
    { name: "selvage.denials", value: 1, labels: { kind: "authentication" } },
    { name: "selvage.retries", value: 1, labels: { cause: "goaway" } },
  ]);
});

Deno.test("EventHub counts the events that a slow reader loses", () => {
  const { metrics, points } = metricsUnderTest();
  using hub = new EventHub("w1", { metrics });
  using _slow = hub.events();
  for (let count = 0; count < 1030; count++) {
    hub.emit({ type: "policy.changed", fingerprint: "f", rules: count });
  }
  assert.equal(points.filter(({ name }) => name === "selvage.events.dropped").length, 6);
});

Deno.test("Metrics has every instrument of the contract and no other", () => {
  const { meter } = recordingMeter();
  const names: string[] = [];
  const noting = (create: string) => {
    const original = Reflect.get(meter, create);
    Reflect.set(meter, create, (name: string) => {
      names.push(name);
      return original(name);
    });
  };
  ["createCounter", "createUpDownCounter", "createHistogram", "createObservableGauge"]
    .forEach(noting);
  new Metrics(meter);
  assert.deepEqual(names.sort(), [
    "grpc.client.tls.handshakes",
    "grpc.server.tls.handshakes",
    "rpc.client.call.duration",
    "rpc.server.call.duration",
    "selvage.call.duration",
    "selvage.calls",
    "selvage.calls.in_flight",
    "selvage.connections",
    "selvage.credentials.seconds_left",
    "selvage.denials",
    "selvage.event_loop.delay",
    "selvage.events.dropped",
    "selvage.handshakes",
    "selvage.key_exchanges",
    "selvage.peer.seconds_left",
    "selvage.queue",
    "selvage.retries",
    "selvage.workers",
  ]);
});

Deno.test("Metrics counts the queue up and down", () => {
  const { metrics, points } = metricsUnderTest();
  metrics.queued(1);
  metrics.queued(-1);
  assert.deepEqual(points.map(({ name, value }) => [name, value]), [
    ["selvage.queue", 1],
    ["selvage.queue", -1],
  ]);
});
