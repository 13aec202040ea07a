/** What a caller may try to be allowed what its policy denies. */
import assert from "node:assert/strict";
import { Code, type ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { AuthorizationError } from "../../src/errors/mod.ts";
import { WorkerService } from "../../src/gen/mod.ts";
import { ROUTINE_HEADER } from "../../src/routine/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";

let ran: string[] = [];
const routines = {
  open: routine("attack.open", () => void ran.push("open")),
  closed: routine("attack.closed", () => void ran.push("closed")),
};

Deno.test("a header that names an allowed routine does not let the envelope's denied one run", async () => {
  ran = [];
  const trust = new Trust();
  const policy = { rules: [{ effect: "allow", what: ["attack.open"] }] } as const;
  await using worker = await startWorker(trust, { routines, policy });
  await using dispatcher = await openDispatcher(trust, worker.address);
  for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
    const client = createClient(WorkerService, dispatcher.transportFor({ protocol }));
    const request = {
      routine: "attack.closed",
      arguments: { encoding: { case: "json" as const, value: "[]" } },
    };
    const headers = { [ROUTINE_HEADER]: "attack.open" };
    await assert.rejects(client.call(request, { headers }), protocol);
    await assert.rejects(Array.fromAsync(client.stream(request, { headers })), protocol);
    const { cause } = await assertRejected(client.call(request));
    assert.ok(cause instanceof AuthorizationError);
    assert.equal(cause.rule, "default-deny");
  }
  // The payload of a denied call is not decoded: that it is not valid is not noticed.
  const client = createClient(WorkerService, dispatcher.transport);
  for (const name of ["attack.closed", "attack.none"]) {
    const { cause } = await assertRejected(client.call({
      routine: name,
      arguments: { encoding: { case: "cbor", value: Uint8Array.of(0xff) } },
    }));
    assert.ok(cause instanceof AuthorizationError, `${name}: ${cause}`);
  }
  assert.deepEqual(ran, []);
});

Deno.test("headers that claim an identity, a token's claims or tags change nothing", async () => {
  ran = [];
  const policy = {
    rules: [
      { effect: "allow", who: ["spiffe://example.org/admin"], what: ["attack.closed"] },
      { effect: "allow", who: ["*"], what: ["attack.closed"], tags: ["admin"] },
    ],
  } as const;
  await using worker = await WorkerServer.start({ routines, policy });
  await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
  const headers = {
    "x-forwarded-client-cert": "URI=spiffe://example.org/admin",
    "x-forwarded-for": "127.0.0.1",
    "x-peer-identity": "spiffe://example.org/admin",
    "x-claims": `{"role":"admin"}`,
    "x-tags": "admin",
  };
  await assert.rejects(dispatcher.call(routines.closed, [], { headers }), AuthorizationError);
  assert.deepEqual(ran, []);
});

Deno.test("a policy that is swapped while a call runs does not undo a decision", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/policy.jsonc`;
    const write = (effect: string) =>
      Deno.writeTextFile(path, `{ "rules": [{ "name": "${effect}", "effect": "${effect}" }] }`);
    await write("allow");
    const entered = Promise.withResolvers<void>();
    const swapped = Promise.withResolvers<void>();
    const slow = routine("attack.slow", async () => {
      entered.resolve();
      await swapped.promise;
      return "finished";
    });
    const trust = new Trust();
    await using worker = await startWorker(trust, { routines: [slow], policy: path });
    await using dispatcher = await openDispatcher(trust, worker.address);
    using events = worker.events();
    const running = dispatcher.call(slow, []);
    await entered.promise;
    await write("deny");
    for await (const { type } of events) if (type === "policy.changed") break;
    swapped.resolve();
    // A unary call that has begun is not undone; the next one is judged by the new policy.
    assert.equal(await running, "finished");
    await assert.rejects(dispatcher.call(slow, []), { name: "AuthorizationError", rule: "deny" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a service's method is not entered where a policy that denies it came after the header section", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/policy.jsonc`;
    const write = (effect: string) =>
      Deno.writeTextFile(path, `{ "rules": [{ "name": "${effect}", "effect": "${effect}" }] }`);
    await write("allow");
    const admitted = Promise.withResolvers<void>();
    const swapped = Promise.withResolvers<void>();
    const interceptor: Interceptor = (next) => async (request) => {
      admitted.resolve();
      await swapped.promise;
      return await next(request);
    };
    let entered = 0;
    const trust = new Trust();
    await using worker = await startWorker(trust, {
      routines: [],
      services: (router) =>
        router.service(EchoService, {
          echo: () => {
            entered += 1;
            return {};
          },
        }, { interceptors: [interceptor] }),
      policy: path,
    });
    await using dispatcher = await openDispatcher(trust, worker.address);
    using events = worker.events();
    const refused = assertRejected(createClient(EchoService, dispatcher.transport).echo({}));
    await admitted.promise;
    await write("deny");
    for await (const { type } of events) if (type === "policy.changed") break;
    swapped.resolve();
    assert.equal((await refused as ConnectError).code, Code.PermissionDenied);
    assert.equal(entered, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an engine that never answers holds a bounded number of calls, and health is served meanwhile", async () => {
  const trust = new Trust();
  const asked: AbortSignal[] = [];
  await using worker = await startWorker(trust, {
    routines,
    limits: { concurrency: 4 },
    policy: {
      timeoutMs: 60_000,
      authorize: ({ method, signal }) => {
        if (method.endsWith("/Describe")) return true;
        asked.push(signal);
        return new Promise(() => {});
      },
    },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const abort = new AbortController();
  const calls = Array.from(
    { length: 12 },
    () => dispatcher.call(routines.open, [], { signal: abort.signal }).catch((error) => error.name),
  );
  await Promise.race(calls);
  assert.ok(asked.length >= 1);
  const described = await createClient(WorkerService, dispatcher.transport).describe({});
  assert.equal(described.workerId, worker.id);
  abort.abort();
  const names = await Promise.all(calls);
  assert.ok(names.includes("Overloaded") || names.includes("AllWorkersFailed"), `${names}`);
});

async function assertRejected(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(() => undefined, (error) => error);
  assert.ok(error instanceof Error, String(error));
  return error;
}
