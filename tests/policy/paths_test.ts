/** A policy decides on every path that a call can take, before its payload is decoded and before it runs. */
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { AuthorizationError } from "../../src/errors/mod.ts";
import { Health, WorkerService } from "../../src/gen/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import type { Policy } from "../../src/policy/mod.ts";
import type { TransportChoices } from "../../src/rpc/mod.ts";
import { servedCall } from "../../src/worker/entry.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { CLIENT_ID, Trust } from "../e2e/trust.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

/** What ran, by its path. */
let ran: string[] = [];
/** The worker that is called. */
let servedBy = "";

const routines = {
  once: routine("acl.once", () => {
    ran.push("once");
    return currentCall().peer.identity;
  }),
  duplex: duplexRoutine("acl.duplex", async function* (input: AsyncIterable<string>) {
    ran.push("duplex");
    for await (const _ of input) yield currentCall().peer.identity;
  }),
  items: routine("acl.items", async function* (count: number) {
    ran.push("items");
    for (let n = 0; n < count; n++) yield n;
  }),
};

const services: WorkerServerOptions["services"] = (router) =>
  router.service(EchoService, {
    echo(_request, context) {
      ran.push("echo");
      const { peer, id, workerId } = currentCall();
      assert.equal(workerId, servedBy);
      assert.equal(context.values.get(servedCall)?.id, id);
      return { text: `${peer.identity}` };
    },
    echoWithoutSideEffects() {
      ran.push("get");
      return { text: `${currentCall().peer.identity}` };
    },
    async *repeat() {
      ran.push("repeat");
      yield { text: `${currentCall().peer.identity}` };
      await Promise.resolve();
      yield { text: `${currentCall().peer.identity}` };
    },
  });

/** One way to call, and what has to be allowed for it. */
interface Path {
  readonly name: string;
  readonly what: string;
  readonly call: (worker: WorkerServer, trust: Trust) => Promise<unknown>;
}

const over =
  (choices: TransportChoices, kind: "unary" | "stream") =>
  async (worker: WorkerServer, trust: Trust) => {
    await using dispatcher = await openDispatcher(trust, worker.address);
    const client = createClient(EchoService, dispatcher.transportFor(choices));
    if (kind === "unary") return (await client.echo({ text: "x" })).text;
    return (await Array.fromAsync(client.repeat({ text: "x", count: 2 }))).map(({ text }) =>
      text
    )[1];
  };

const byEnvelope =
  (choices: TransportChoices, kind: "unary" | "stream") =>
  async (worker: WorkerServer, trust: Trust) => {
    await using dispatcher = await openDispatcher(trust, worker.address);
    const client = createClient(WorkerService, dispatcher.transportFor(choices));
    const payload = (json: string) => ({ encoding: { case: "json" as const, value: json } });
    if (kind === "unary") {
      const { result } = await client.call({ routine: "acl.once", arguments: payload("[]") });
      return JSON.parse(result?.encoding.value as string);
    }
    const request = { routine: "acl.items", arguments: payload("[1]") };
    return (await Array.fromAsync(client.stream(request))).length === 1 ? CLIENT_ID : undefined;
  };

const PATHS: readonly Path[] = [
  {
    name: "a routine on the fast path",
    what: "acl.once",
    async call(worker, trust) {
      await using dispatcher = await openDispatcher(trust, worker.address);
      return await dispatcher.call(routines.once, []);
    },
  },
  {
    name: "a stream on the fast path",
    what: "acl.items",
    async call(worker, trust) {
      await using dispatcher = await openDispatcher(trust, worker.address);
      const items = await Array.fromAsync(dispatcher.stream(routines.items, [1]));
      return items.length === 1 ? CLIENT_ID : undefined;
    },
  },
  {
    name: "a duplex routine",
    what: "acl.duplex",
    async call(worker, trust) {
      await using dispatcher = await openDispatcher(trust, worker.address);
      return (await Array.fromAsync(dispatcher.duplex(routines.duplex, ["x"], [])))[0];
    },
  },
  {
    name: "a routine by its envelope, in JSON",
    what: "acl.once",
    call: byEnvelope({ useBinaryFormat: false }, "unary"),
  },
  {
    name: "a routine by its envelope, in gRPC",
    what: "acl.once",
    call: byEnvelope({ protocol: "grpc" }, "unary"),
  },
  {
    name: "a routine by its envelope, in gRPC-Web",
    what: "acl.once",
    call: byEnvelope({ protocol: "grpc-web" }, "unary"),
  },
  {
    name: "a stream by its envelope, in gRPC",
    what: "acl.items",
    call: byEnvelope({ protocol: "grpc" }, "stream"),
  },
  {
    name: "a service on the fast path",
    what: "selvage.test.v1.EchoService/Echo",
    call: over({}, "unary"),
  },
  {
    name: "a service in JSON",
    what: "selvage.test.v1.EchoService/Echo",
    call: over({ useBinaryFormat: false }, "unary"),
  },
  {
    name: "a service in gRPC",
    what: "selvage.test.v1.EchoService/Echo",
    call: over({ protocol: "grpc" }, "unary"),
  },
  {
    name: "a service in gRPC-Web",
    what: "selvage.test.v1.EchoService/Echo",
    call: over({ protocol: "grpc-web" }, "unary"),
  },
  {
    name: "a service by GET",
    what: "selvage.test.v1.EchoService/EchoWithoutSideEffects",
    async call(worker, trust) {
      await using dispatcher = await openDispatcher(trust, worker.address);
      const client = createClient(EchoService, dispatcher.transportFor({ useHttpGet: true }));
      return (await client.echoWithoutSideEffects({ text: "x" })).text;
    },
  },
  {
    name: "a service's stream",
    what: "selvage.test.v1.EchoService/Repeat",
    call: over({}, "stream"),
  },
  {
    name: "a service's stream in gRPC",
    what: "selvage.test.v1.EchoService/Repeat",
    call: over({ protocol: "grpc" }, "stream"),
  },
];

/** Rules about one name, each with what becomes of a call of it. */
const RULES: readonly (readonly [string, (what: string) => Policy, string | undefined])[] = [
  ["no rule", () => ({ rules: [] }), "default-deny"],
  ["no rule, allowed by default", () => ({ default: "allow", rules: [] }), undefined],
  ["its name", (what) => ({ rules: [{ effect: "allow", what: [what] }] }), undefined],
  [
    "a glob",
    (what) => ({ rules: [{ effect: "allow", what: [what.replace(/\w+$/, "*")] }] }),
    undefined,
  ],
  [
    "another's name",
    (what) => ({ rules: [{ effect: "allow", what: [`${what}2`] }] }),
    "default-deny",
  ],
  ["the caller", () => ({ rules: [{ effect: "allow", who: [CLIENT_ID] }] }), undefined],
  [
    "another caller",
    () => ({ rules: [{ effect: "allow", who: [`${CLIENT_ID}2`] }] }),
    "default-deny",
  ],
  ["a denial first", (what) => ({
    rules: [{ name: "closed", effect: "deny", what: [what] }, { effect: "allow" }],
  }), "closed"],
  ["the anonymous", () => ({ rules: [{ effect: "allow", who: ["anonymous"] }] }), "default-deny"],
];

for (const path of PATHS) {
  Deno.test(`a policy decides about ${path.name}`, async () => {
    const trust = new Trust();
    for (const [about, policyFor, rule] of RULES) {
      ran = [];
      await using worker = await startWorker(trust, {
        routines,
        services,
        policy: policyFor(path.what),
      });
      using events = worker.events();
      servedBy = worker.id;
      if (rule === undefined) {
        assert.equal(await path.call(worker, trust), CLIENT_ID, about);
        assert.equal(ran.length, 1, about);
        continue;
      }
      const denied = await path.call(worker, trust).then(() => undefined, (error) => error);
      const cause = denied instanceof ConnectError ? denied.cause : denied;
      assert.ok(cause instanceof AuthorizationError, `${about}: ${denied}`);
      assert.equal(cause.rule, rule, about);
      if (denied instanceof ConnectError) assert.equal(denied.code, Code.PermissionDenied);
      assert.deepEqual(ran, [], about);
      for await (const event of events) {
        if (event.type !== "dispatch.denied") continue;
        assert.deepEqual([event.routine, event.rule], [path.what, rule]);
        assert.equal(event.peer.identity, CLIENT_ID);
        break;
      }
    }
  });
}

Deno.test("only health checks and descriptions of proven peers are exempt, and lists hold what is allowed", async () => {
  const trust = new Trust();
  const policy: Policy = { rules: [{ effect: "allow", what: ["acl.once"] }] };
  await using worker = await startWorker(trust, { routines, services, policy });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const { status } = await createClient(Health, dispatcher.transport).check({});
  assert.equal(status, 1);
  const described = await createClient(WorkerService, dispatcher.transport).describe({});
  assert.deepEqual(described.routines.map(({ name }) => name), ["acl.once"]);
  assert.deepEqual(described.services, []);
});

Deno.test("a caller over plaintext TCP, a unix socket or memory is anonymous: rules must name it", async () => {
  const folder = await Deno.makeTempDir();
  const policy: Policy = {
    rules: [
      { effect: "allow", what: ["acl.items"] },
      { effect: "allow", what: ["acl.once"], who: ["anonymous"] },
    ],
  };
  try {
    for (const listen of ["127.0.0.1:0", `unix:${folder}/worker`, "memory:policy-paths"]) {
      await using worker = await WorkerServer.start({ listen, routines, policy });
      await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
      ran = [];
      assert.equal(await dispatcher.call(routines.once, []), undefined, listen);
      const items = Array.fromAsync(dispatcher.stream(routines.items, [1]));
      await assert.rejects(items, AuthorizationError, listen);
      assert.deepEqual(ran, ["once"], listen);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("rules about tags decide once the envelope is read", async () => {
  const trust = new Trust();
  const policy: Policy = {
    rules: [
      { name: "no gpu", effect: "deny", what: ["acl.once"], tags: ["gpu"] },
      { effect: "allow" },
    ],
  };
  await using worker = await startWorker(trust, { routines, policy, tags: ["gpu"] });
  await using dispatcher = await openDispatcher(trust, worker.address);
  ran = [];
  await assert.rejects(dispatcher.call(routines.once, [], { tags: ["gpu"] }), AuthorizationError);
  assert.deepEqual(ran, []);
  assert.equal(await dispatcher.call(routines.once, []), CLIENT_ID);
});

Deno.test("a hook decides with what it is given, and denies where it throws or never returns", async () => {
  const trust = new Trust();
  const asked: unknown[] = [];
  const answers: (() => boolean | Promise<boolean>)[] = [
    () => true,
    () => false,
    () => {
      throw new Error("the engine is down");
    },
    () => Promise.reject(new Error("the engine is down")),
    () => new Promise(() => {}),
    () => 1 as unknown as boolean,
  ];
  await using worker = await startWorker(trust, {
    routines,
    policy: {
      timeoutMs: 50,
      authorize: ({ peer, routine, method, tags, headers, claims }) => {
        if (method.endsWith("/Describe")) return true;
        asked.push([peer.identity, routine, method, tags, headers.get("x-tenant"), claims]);
        return answers[asked.length - 1]!();
      },
    },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  ran = [];
  const headers = { "x-tenant": "t1" };
  assert.equal(await dispatcher.call(routines.once, [], { headers }), CLIENT_ID);
  const rules: string[] = [];
  for (const _ of answers.slice(1)) {
    const error = await dispatcher.call(routines.once, []).then(() => undefined, (error) => error);
    assert.ok(error instanceof AuthorizationError, String(error));
    rules.push(error.rule);
  }
  assert.deepEqual(rules, ["hook", "hook-failed", "hook-failed", "hook-timeout", "hook"]);
  assert.deepEqual(ran, ["once"]);
  assert.deepEqual(asked[0], [
    CLIENT_ID,
    "acl.once",
    "selvage.v1.WorkerService/Call",
    [],
    "t1",
    undefined,
  ]);
});
