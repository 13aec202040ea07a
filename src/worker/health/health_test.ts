import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/mod.ts";
import { WorkerHealth } from "./health.ts";

function setUp() {
  const health = new WorkerHealth(() => new Set(["selvage.v1.WorkerService"]));
  const transport = createRouterTransport((router) => health.serve(router));
  return { health, client: createClient(Health, transport) };
}

Deno.test("WorkerHealth answers for the worker and for each service, until it stops", async () => {
  const { health, client } = setUp();
  for (const service of ["", "selvage.v1.WorkerService"]) {
    assert.equal((await client.check({ service })).status, Status.SERVING);
  }
  health.stopServing();
  assert.equal((await client.check({})).status, Status.NOT_SERVING);
});

Deno.test("WorkerHealth does not know a service that is not served", async () => {
  const { client } = setUp();
  await assert.rejects(client.check({ service: "a.B" }), (error) => {
    assert.equal(ConnectError.from(error).code, Code.NotFound);
    return true;
  });
  for await (const { status } of client.watch({ service: "a.B" })) {
    assert.equal(status, Status.SERVICE_UNKNOWN);
    break;
  }
});

Deno.test("WorkerHealth is not serving while a listener accepts nothing", async () => {
  const { health, client } = setUp();
  const seen: Status[] = [];
  for await (const { status } of client.watch({})) {
    seen.push(status);
    if (seen.length === 1) {
      health.listening("a", false);
      health.listening("b", false);
    } else if (seen.length === 2) {
      assert.equal((await client.check({})).status, Status.NOT_SERVING);
      health.listening("a", true);
      assert.equal((await client.check({})).status, Status.NOT_SERVING);
      health.listening("b", true);
    } else {
      health.stopServing();
    }
  }
  assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
});

Deno.test("WorkerHealth informs its watchers that it stops, and lets them go", async () => {
  const { health, client } = setUp();
  const seen: Status[] = [];
  for await (const { status } of client.watch({})) {
    seen.push(status);
    if (status === Status.SERVING) health.stopServing();
  }
  assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING]);
});
