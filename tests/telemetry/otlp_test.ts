/** What a collector receives from the platform's own exporter, over OTLP/HTTP. */
import assert from "node:assert/strict";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const PROGRAM = new URL("./calls_main.ts", import.meta.url);
const METHOD = `${EchoService.typeName}/Echo`;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code?: number };
}

interface DataPoint {
  readonly attributes: readonly Attribute[];
  readonly asDouble?: number;
  readonly asInt?: string;
}

interface Metric {
  readonly name: string;
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] };
  readonly sum?: { readonly dataPoints: readonly DataPoint[] };
  readonly histogram?: { readonly dataPoints: readonly DataPoint[] };
}

interface Received {
  readonly spans: readonly Span[];
  readonly metrics: ReadonlyMap<string, readonly DataPoint[]>;
}

/** Runs the program with the platform's exporter on, and gives what it exported. */
async function exported(): Promise<Received> {
  const spans: Span[] = [];
  const metrics = new Map<string, DataPoint[]>();
  await using collector = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.json();
      for (const { scopeSpans } of body.resourceSpans ?? []) {
        for (const scope of scopeSpans) {
          if (scope.scope.name === "@selvage/runtime") spans.push(...scope.spans);
        }
      }
      for (const { scopeMetrics } of body.resourceMetrics ?? []) {
        for (const scope of scopeMetrics) {
          if (scope.scope.name !== "@selvage/runtime") continue;
          for (const metric of scope.metrics as Metric[]) {
            const data = metric.gauge ?? metric.sum ?? metric.histogram;
            metrics.set(metric.name, [
              ...metrics.get(metric.name) ?? [],
              ...data?.dataPoints ?? [],
            ]);
          }
        }
      }
      return Response.json({});
    },
  );
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM.pathname],
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return { spans, metrics };
}

function attributesOf({ attributes }: { readonly attributes: readonly Attribute[] }) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}

const CLIENT = 3;
const SERVER = 2;
const ERROR = 2;

Deno.test("a collector gets a span of each call from both ends, linked, and every instrument", async (t) => {
  const { spans, metrics } = await exported();
  const calls: [name: string, system: string, status: string][] = [
    ["otlp.add", "selvage", "OK"],
    ["otlp.fails", "selvage", "UNKNOWN"],
    ["otlp.counts", "selvage", "OK"],
    [METHOD, "connectrpc", "OK"],
  ];
  for (const [name, system, status] of calls) {
    await t.step(`${name}: two spans, one under the other`, () => {
      const of = (kind: number) => spans.find((span) => span.name === name && span.kind === kind);
      const client = of(CLIENT);
      const server = of(SERVER);
      assert.ok(client && server, `${spans.map(({ name, kind }) => `${name} ${kind}`)}`);
      assert.equal(server.traceId, client.traceId);
      assert.equal(server.parentSpanId, client.spanId);
      for (const span of [client, server]) {
        const seen = attributesOf(span);
        assert.equal(seen["rpc.system.name"], system);
        assert.equal(seen["rpc.method"], name);
        assert.equal(seen["rpc.response.status_code"], status);
        assert.equal(span.status?.code === ERROR, status !== "OK");
      }
    });
  }
  const labels = (name: string) => (metrics.get(name) ?? []).map(attributesOf);
  await t.step("calls are counted under our names and those of the conventions", () => {
    for (const side of ["worker", "dispatcher"]) {
      const failed = { side, routine: "otlp.fails", outcome: "routine-error" };
      assert.ok(labels("selvage.calls").some((seen) => same(seen, failed)), side);
    }
    for (const name of ["rpc.client.call.duration", "rpc.server.call.duration"]) {
      const methods = labels(name).map((seen) => seen["rpc.method"]);
      assert.ok(methods.includes("otlp.add") && methods.includes(METHOD), `${name}: ${methods}`);
    }
  });
  await t.step("handshakes are counted by result, under our names and those of gRPC", () => {
    const reasons = labels("selvage.handshakes").map(({ reason }) => reason);
    assert.ok(reasons.includes("ok") && reasons.includes("untrusted-authority"), `${reasons}`);
    for (const name of ["grpc.client.tls.handshakes", "grpc.server.tls.handshakes"]) {
      const results = labels(name).map((seen) => seen["grpc.tls.handshake.result"]);
      assert.ok(results.includes("success"), `${name}: ${results}`);
      assert.ok(results.some((result) => result !== "success"), `${name}: ${results}`);
    }
  });
  await t.step("the time left of certificates and the delay of the event loop are gauges", () => {
    for (
      const name of [
        "selvage.credentials.seconds_left",
        "selvage.peer.seconds_left",
        "selvage.event_loop.delay",
      ]
    ) {
      const values = (metrics.get(name) ?? []).map((point) =>
        point.asDouble ?? Number(point.asInt)
      );
      assert.ok(values.length > 0 && values.every((value) => value >= 0), `${name}: ${values}`);
    }
  });
  await t.step("connections and workers are counted by state", () => {
    assert.ok(labels("selvage.connections").some(({ state }) => state === "ready"));
    assert.ok(labels("selvage.workers").some(({ state }) => state === "ready"));
  });
});

function same(seen: object, expected: object): boolean {
  return Object.entries(expected).every(([key, value]) =>
    (seen as Record<string, unknown>)[key] === value
  );
}
