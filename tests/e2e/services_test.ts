import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import {
  AllWorkersFailed,
  HandshakeError,
  InvalidPayload,
  Overloaded,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
  WorkerService,
} from "../../src/gen/mod.ts";
import {
  encodePayload,
  failureInDetails,
  payloadMessage,
  toConnectError,
} from "../../src/routine/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { echoFailure, echoService } from "../support/echo.ts";
import { EchoRequestSchema, EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { Trust } from "./trust.ts";

Deno.test("any Connect service is served beside the routines, on the same connection", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, {
    services: (router) => router.service(EchoService, echoService()),
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const echo = createClient(EchoService, dispatcher.transport);
  assert.equal((await echo.echo({ text: "hello" })).text, "hello");
  const repeated = await Array.fromAsync(echo.repeat({ text: "again", count: 3 }));
  assert.deepEqual(repeated.map(({ index }) => index), [0, 1, 2]);
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  assert.equal(worker.peers().length, 1);
  const { services } = await createClient(WorkerService, dispatcher.transport).describe({});
  assert.deepEqual(services.sort(), [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    EchoService.typeName,
  ]);
});

Deno.test("what a service throws arrives on the transport as the service made it", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, {
    services: (router) => router.service(EchoService, echoService()),
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const echo = createClient(EchoService, dispatcher.transport);
  const calls = [
    echo.echo({ text: "fail" }),
    Array.fromAsync(echo.repeat({ text: "fail" })),
  ];
  for (const call of await Promise.allSettled<unknown>(calls)) {
    assert.ok(call.status === "rejected");
    const error: unknown = call.reason;
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      [error.code, error.rawMessage, error.metadata.get("x-failure")],
      [Code.FailedPrecondition, echoFailure().rawMessage, "yes"],
    );
    const details = error.findDetails(EchoRequestSchema);
    assert.deepEqual(details.map(({ text, count }) => [text, count]), [["a detail", 7]]);
  }
});

Deno.test("on the transport an error arrives as a ConnectError with the original as its cause", async () => {
  const trust = new Trust();
  await using impostor = await startWorker(trust, {}, trust.worker("spiffe://example.org/other"));
  await using choosy = await startWorker(trust, { allow: "spiffe://example.org/nobody" });
  const [bare, mixed] = await Promise.all([
    openDispatcher(trust, impostor.address),
    openDispatcher(trust, [impostor.address, choosy.address]),
  ]);
  await using _bare = bare;
  await using _mixed = mixed;
  const failure = async (dispatcher: Dispatcher): Promise<ConnectError> => {
    const error = await createClient(Health, dispatcher.transport).check({}).catch((e) => e);
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.Unavailable);
    return error;
  };
  const alone = await failure(bare);
  assert.ok(alone.cause instanceof HandshakeError);
  assert.equal(alone.cause.reason, "identity-mismatch");
  const both = await failure(mixed);
  assert.ok(both.cause instanceof AllWorkersFailed);
  assert.equal(both.cause.failures.length, 2);
  const streamed = Array.fromAsync(createClient(Health, bare.transport).watch({}));
  await assert.rejects(streamed, (error) => (error as Error).cause instanceof HandshakeError);
});

Deno.test("what a worker reports on the transport has the original as its cause, also in streams", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const client = createClient(WorkerService, dispatcher.transport);
  const request = { routine: "math.ad" };
  const causedBy = (error: unknown) =>
    error instanceof ConnectError && error.cause instanceof UnknownRoutine;
  await assert.rejects(client.call(request), causedBy);
  await assert.rejects(Array.fromAsync(client.stream(request)), causedBy);
});

Deno.test("a call whose header and message name different routines is refused", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const client = createClient(WorkerService, dispatcher.transport);
  const request = {
    routine: "test.fail",
    arguments: payloadMessage(encodePayload(["range"], "arguments")),
  };
  const headers = { "selvage-routine": "math.add" };
  const refused = async (call: Promise<unknown>) => {
    const error: unknown = await call.catch((error) => error);
    assert.ok(failureInDetails(ConnectError.from(error)) instanceof InvalidPayload, String(error));
  };
  await refused(client.call(request, { headers }));
  await refused(Array.fromAsync(client.stream(request, { headers })));
  async function* requests() {
    yield { message: { case: "call" as const, value: request } };
  }
  await refused(Array.fromAsync(client.duplex(requests(), { headers })));
  const before = await dispatcher.call(routines.marked, []);
  assert.equal(before.filter((mark) => mark === "fail:range").length, 0);
});

Deno.test("a foreign caller that names no routine in a header is answered in the form it asked in", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const client = createClient(WorkerService, dispatcher.transport);
  const { result } = await client.call({
    routine: "math.add",
    arguments: { encoding: { case: "json", value: "[40,2]" } },
  });
  assert.deepEqual(result?.encoding, { case: "json", value: "42" });
});

Deno.test("a token reaches the worker over TLS, and never goes out in plaintext", async () => {
  const trust = new Trust();
  const seen: (string | null)[] = [];
  const services: NonNullable<Parameters<typeof startWorker>[1]>["services"] = (router) =>
    router.service(EchoService, {
      echo: (request, { requestHeader }) => {
        seen.push(requestHeader.get("authorization"));
        return { text: request.text };
      },
    });
  await using secure = await startWorker(trust, { services });
  await using plain = await WorkerServer.start({ routines });
  await using dispatcher = await openDispatcher(trust, secure.address, { token: () => "abc" });
  assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  await using careless = await Dispatcher.open({
    discovery: `static:${plain.address}`,
    token: "abc",
  });
  await assert.rejects(careless.call(routines.add, [1, 2]), /token/);
  await createClient(EchoService, dispatcher.transport).echo({ text: "x" });
  assert.deepEqual(seen, ["Bearer abc"]);
});

Deno.test("health is served apart, and reports when the worker leaves", async () => {
  const trust = new Trust();
  const worker = await startWorker(trust, { health: "127.0.0.1:0" });
  await using probe = await Dispatcher.open({ discovery: `static:${worker.healthAddress}` });
  const health = createClient(Health, probe.transport);
  assert.equal((await health.check({ service: WorkerService.typeName })).status, Status.SERVING);
  const watched = Array.fromAsync(health.watch({}), ({ status }) => status);
  // The watch is open once its first answer is there, which another call's answer shows.
  await health.check({});
  await worker.drain({ graceMs: 600_000 });
  assert.deepEqual(await watched, [Status.SERVING, Status.NOT_SERVING]);
});

Deno.test("a worker that is asked to leave cuts off what outlasts its grace, and says so", async () => {
  const trust = new Trust();
  const worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const held = dispatcher.call(routines.wait, ["outlasts"]).catch((error) => error);
  await dispatcher.call(routines.untilMarked, ["outlasts:began"]);
  const events = worker.events();
  await worker.drain({ graceMs: 20 });
  const stopped = (await Array.fromAsync(events)).find(({ type }) => type === "worker.stopped");
  assert.equal(stopped?.type === "worker.stopped" && stopped.abandoned, 1);
  const error = await held;
  assert.ok(error instanceof WorkerUnavailable, String(error));
  assert.equal(error.notBegun, false);
  assert.match(error.message, /it cut the call off, .*\(drainGraceMs\)/);
});

Deno.test("a service that passes on a refusal from elsewhere is not begun again, in whatever form", async () => {
  const trust = new Trust();
  let begun = 0;
  const refuse = () => {
    begun += 1;
    // What a client of another dispatcher's transport throws.
    throw toConnectError(new Overloaded("no room elsewhere"));
  };
  const services: NonNullable<Parameters<typeof startWorker>[1]>["services"] = (router) =>
    router.service(EchoService, {
      echo: refuse,
      // deno-lint-ignore require-yield
      async *repeat() {
        refuse();
      },
      collect: refuse,
      async *converse(requests) {
        for await (const _ of requests) refuse();
        yield {};
      },
    });
  await using one = await startWorker(trust, { services });
  await using another = await startWorker(trust, { services });
  await using dispatcher = await openDispatcher(trust, [one.address, another.address]);
  await dispatcher.ready({ min: 2 });
  const echo = createClient(EchoService, dispatcher.transport);
  async function* requests() {
    yield { text: "x" };
  }
  const calls: readonly (() => Promise<unknown>)[] = [
    () => echo.echo({ text: "x" }),
    () => echo.echo({ text: "x" }, { headers: { "accept-encoding": "gzip" } }),
    () => Array.fromAsync(echo.repeat({ text: "x" })),
    () => echo.collect(requests()),
    () => Array.fromAsync(echo.converse(requests())),
  ];
  for (const call of calls) {
    begun = 0;
    const error = await call().catch((error) => error);
    assert.equal(begun, 1);
    assert.ok(error instanceof ConnectError);
    assert.deepEqual([error.code, error.rawMessage], [Code.ResourceExhausted, "no room elsewhere"]);
    assert.equal(failureInDetails(error), undefined);
  }
});
