/** The health listener over HTTP/1.1: liveness, readiness, and metrics where they are asked for. */
import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../src/gen/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";

let workers = 0;
let hang: PromiseWithResolvers<void> = Promise.withResolvers();
let hanging: PromiseWithResolvers<void> = Promise.withResolvers();
const routines = {
  add: routine("health.add", (a: number, b: number) => a + b),
  hangs: routine("health.hangs", () => {
    hanging.resolve();
    return hang.promise;
  }),
};

function startWorker(options: Partial<WorkerServerOptions> = {}): Promise<WorkerServer> {
  const listen = `memory:health-listener-${++workers}`;
  return WorkerServer.start({ listen, routines, health: "127.0.0.1:0", ...options });
}

/** Writes what is given to the listener and reads until it closes. */
async function raw(worker: WorkerServer, request: string): Promise<string> {
  const [hostname, port] = worker.healthAddress!.split(":");
  using socket = await Deno.connect({ hostname: hostname!, port: Number(port) });
  await socket.write(new TextEncoder().encode(request));
  return await new Response(socket.readable).text();
}

Deno.test("the health listener answers liveness and readiness over HTTP/1.1, beside gRPC", async () => {
  await using worker = await startWorker();
  const at = `http://${worker.healthAddress}`;
  for (const path of ["/livez", "/readyz", "/readyz?verbose"]) {
    const response = await fetch(`${at}${path}`);
    assert.deepEqual([response.status, await response.text()], [200, "ok\n"], path);
  }
  const head = await fetch(`${at}/livez`, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  await using probe = await Dispatcher.open({ discovery: `static:${worker.healthAddress}` });
  const { status } = await createClient(Health, probe.transport).check({});
  assert.equal(status, Status.SERVING);
});

Deno.test("the health listener is alive and not ready while the worker drains", async () => {
  hang = Promise.withResolvers();
  hanging = Promise.withResolvers();
  await using worker = await startWorker();
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  const call = dispatcher.call(routines.hangs, []);
  using events = worker.events();
  await hanging.promise;
  const drained = worker.drain();
  for (;;) if ((await events.next()).value?.type === "worker.draining") break;
  const status = async (path: string) => {
    const response = await fetch(`http://${worker.healthAddress}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await status("/livez"), await status("/readyz")], [200, 503]);
  hang.resolve();
  await Promise.all([call, drained]);
});

Deno.test("the health listener answers nothing else, and one request a connection", async () => {
  await using worker = await startWorker();
  const requests: [request: string, status: RegExp][] = [
    ["GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n", /^HTTP\/1\.1 404 /],
    ["POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", /^HTTP\/1\.1 405 /],
    ["nothing at all\r\n\r\n", /^HTTP\/1\.1 400 /],
    [`GET /livez HTTP/1.1\r\nx: ${"y".repeat(9_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ["GET /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 200 [^]*\r\n\r\nok\n$/],
  ];
  for (const [request, status] of requests) {
    const answer = await raw(worker, request);
    assert.match(answer, status);
    assert.equal(answer.split("HTTP/1.1 ").length, 2, answer);
  }
});

Deno.test("the health listener shows metrics in Prometheus' format where they are asked for", async () => {
  await using worker = await startWorker({ metrics: true });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  await dispatcher.call(routines.add, [1, 2]);
  await dispatcher.call(routines.add, [3, 4]);
  const response = await fetch(`http://${worker.healthAddress}/metrics`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n");
  const calls = 'selvage_calls_total{side="worker",routine="health.add",outcome="ok"} 2';
  assert.ok(lines.includes(calls), lines.join("\n"));
  assert.ok(lines.includes("# TYPE selvage_call_duration_seconds histogram"));
  assert.ok(lines.includes('selvage_connections{state="ready"} 1'));
  const labels = 'side="worker",routine="health.add",outcome="ok"';
  assert.ok(lines.includes(`selvage_call_duration_seconds_bucket{${labels},le="+Inf"} 2`));
  assert.ok(lines.some((line) => line.startsWith("selvage_event_loop_delay_seconds ")));
  for (const line of lines) {
    const form =
      /^(?:|# (?:HELP|TYPE) [a-z_]+ .*|[a-z_]+(?:\{(?:[a-z_]+="[^"]*",?)+\})? [0-9.e+-]+)$/;
    assert.match(line, form);
  }
});

Deno.test("metrics without a health listener are refused at the start", async () => {
  await assert.rejects(startWorker({ metrics: true, health: undefined }), ConfigurationError);
});
