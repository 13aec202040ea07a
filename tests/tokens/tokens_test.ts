import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import type { JWTPayload } from "jose";
import { routine } from "../../src/contract/mod.ts";
import {
  AuthenticationError,
  type AuthenticationReason,
  ConfigurationError,
  InvalidPayload,
} from "../../src/errors/mod.ts";
import { WorkerService } from "../../src/gen/mod.ts";
import { signNonce } from "../../src/dispatch/mod.ts";
import { jwt, signedNonce } from "../../src/policy/mod.ts";
import { currentCall, failureInDetails } from "../../src/routine/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { echoService } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import type { EventStream } from "../../src/observe/mod.ts";
import { CLIENT_ID, Trust, WORKER_ID } from "../e2e/trust.ts";
import { Issuer, oneWayDispatcher, oneWayWorker } from "./issuer.ts";

let runs = 0;
const work = routine("tokens.work", (text: string) => {
  runs += 1;
  return [text, currentCall().claims?.["sub"]];
});
const count = routine("tokens.count", async function* (items: number) {
  runs += 1;
  for (let item = 0; item < items; item++) yield [item, currentCall().claims?.["sub"]];
});
const endless = routine("tokens.endless", async function* () {
  yield "begun";
  const { signal } = currentCall();
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  ended.resolve(signal.reason);
});
let ended = Promise.withResolvers<unknown>();
const routines = { work, count, endless };
const issuer = await Issuer.create();
const trust = new Trust();
const nowS = () => Math.floor(Date.now() / 1_000);

/** The reasons of a routine's unary call and stream, and of a service's calls in several protocols. */
async function reasonsOf(
  dispatcher: Awaited<ReturnType<typeof oneWayDispatcher>>,
): Promise<readonly AuthenticationReason[]> {
  const transports = [
    dispatcher.transport,
    dispatcher.transportFor({ protocol: "grpc" }),
    dispatcher.transportFor({ protocol: "grpc-web" }),
    dispatcher.transportFor({ useBinaryFormat: false }),
  ];
  const echoes = transports.map((transport) => createClient(EchoService, transport));
  const calls = [
    dispatcher.call(work, ["x"]),
    Array.fromAsync(dispatcher.stream(count, [3])),
    ...echoes.map((echo) => echo.echo({ text: "x" })),
    ...echoes.map((echo) => Array.fromAsync(echo.repeat({ text: "x", count: 1 }))),
  ];
  const errors = await Promise.all(calls.map((call) => call.then(() => undefined, (e) => e)));
  return errors.map((error) => {
    const original = error?.name === "ConnectError"
      ? error.cause ?? failureInDetails(error)
      : error;
    assert.ok(original instanceof AuthenticationError, String(error));
    return original.reason;
  });
}

Deno.test("a token that is invalid runs nothing, on any path, and names its reason at both ends", async () => {
  let handled = 0;
  const echo = echoService();
  await using worker = await oneWayWorker(trust, {
    routines,
    authenticate: jwt(issuer.settings),
    services: (router) =>
      router.service(EchoService, {
        ...echo,
        echo: (request) => (handled += 1, { text: request.text }),
        repeat: async function* () {
          handled += 1;
          yield { text: "", index: 0 };
        },
      }),
  });
  const other = await Issuer.create();
  const cases: readonly (readonly [AuthenticationReason, string | undefined])[] = [
    ["token-missing", undefined],
    ["token-malformed", "opaque"],
    ["token-expired", await issuer.token({ exp: nowS() - 1 })],
    ["token-not-yet-valid", await issuer.token({ nbf: nowS() + 30 })],
    // A token for another worker, replayed here.
    ["token-wrong-audience", await issuer.token({ aud: "spiffe://example.org/other" })],
    ["token-wrong-issuer", await issuer.token({ iss: "https://other.example" })],
    ["token-unknown-key", await issuer.token({}, "k2")],
    ["token-bad-signature", await other.token()],
    ["token-not-bound", await issuer.token({ cnf: { "x5t#S256": "AAAA" } })],
  ];
  const before = runs;
  const events = worker.events()[Symbol.asyncIterator]();
  for (const [reason, token] of cases) {
    const options = token === undefined ? {} : { token };
    await using dispatcher = await oneWayDispatcher(trust, worker.address, options);
    assert.deepEqual(await reasonsOf(dispatcher), Array(10).fill(reason), reason);
    for (let refused = 0; refused < 10;) {
      const event = (await events.next()).value!;
      if (event.type !== "dispatch.unauthenticated") continue;
      refused += 1;
      assert.equal(event.reason, reason);
      if (token !== undefined) assert.ok(!JSON.stringify(event).includes(token));
    }
  }
  assert.equal(runs, before, "no routine ran");
  assert.equal(handled, 0, "no handler ran");
});

Deno.test("a caller learns that the worker's key set cannot be reached, on every path, and nothing runs", async () => {
  const before = runs;
  const jwks = { file: `${await Deno.makeTempDir()}/keys.json` };
  await using worker = await oneWayWorker(trust, {
    routines,
    services: (router) => router.service(EchoService, echoService()),
    authenticate: jwt({ ...issuer.settings, jwks }),
  });
  using events = worker.events();
  await using dispatcher = await oneWayDispatcher(trust, worker.address, {
    token: await issuer.token(),
  });
  assert.deepEqual(await reasonsOf(dispatcher), Array(10).fill("key-set-unreachable"));
  for await (const event of events) {
    if (event.type !== "dispatch.unauthenticated") continue;
    assert.equal(event.reason, "key-set-unreachable");
    break;
  }
  assert.equal(runs, before);
});

Deno.test("the claims of a valid token reach the routine, on every path", async () => {
  await using worker = await oneWayWorker(trust, { routines, authenticate: jwt(issuer.settings) });
  let asked = 0;
  const token = () => (asked += 1, issuer.token());
  await using dispatcher = await oneWayDispatcher(trust, worker.address, { token });
  for (let call = 0; call < 3; call++) {
    assert.deepEqual(await dispatcher.call(work, ["x"]), ["x", "alice"]);
  }
  assert.deepEqual(await Array.fromAsync(dispatcher.stream(count, [2])), [[0, "alice"], [
    1,
    "alice",
  ]]);
  assert.equal(asked, 1, "the token is kept until near its end");
  const bob = await issuer.token({ sub: "bob" });
  assert.deepEqual(await dispatcher.call(work, ["x"], { token: bob }), ["x", "bob"]);
});

Deno.test("a caller that has proven nothing learns the worker's id, and not what is served", async () => {
  await using worker = await oneWayWorker(trust, { routines, authenticate: jwt(issuer.settings) });
  await using stranger = await oneWayDispatcher(trust, worker.address);
  const client = createClient(WorkerService, stranger.transport);
  const described = await client.describe({});
  assert.equal(described.workerId, worker.id);
  assert.deepEqual([described.routines, described.services], [[], []]);
  await using known = await oneWayDispatcher(trust, worker.address, {
    token: await issuer.token(),
  });
  const inFull = await createClient(WorkerService, known.transport).describe({});
  assert.equal(inFull.routines.length, 3);
});

Deno.test('require: "both" wants a token that is bound to the certificate of the caller', async () => {
  await using worker = await startWorker(trust, {
    routines,
    authenticate: jwt({ ...issuer.settings, require: "both" }),
  });
  const reasonOf = async (claims: JWTPayload) => {
    await using dispatcher = await openDispatcher(trust, worker.address, {
      token: await issuer.token(claims),
    });
    return await dispatcher.call(work, ["x"]).then(() => "valid", ({ reason }) => reason);
  };
  assert.equal(await reasonOf({ sub: CLIENT_ID }), "valid");
  assert.equal(await reasonOf({ sub: "alice" }), "token-not-bound");
  assert.equal(await reasonOf({ sub: CLIENT_ID, cnf: { "x5t#S256": "AAAA" } }), "token-not-bound");
  await using without = await openDispatcher(trust, worker.address);
  await assert.rejects(without.call(work, ["x"]), { reason: "token-missing" });
});

Deno.test('require: "either" takes the certificate alone, and no invalid token beside it', async () => {
  await using worker = await startWorker(trust, {
    routines,
    authenticate: jwt({ ...issuer.settings, require: "either" }),
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  assert.deepEqual(await dispatcher.call(work, ["x"]), ["x", undefined]);
  await assert.rejects(dispatcher.call(work, ["x"], { token: "opaque" }), {
    reason: "token-malformed",
  });
});

Deno.test("a stream ends when its token does, and the signal of its routine aborts", async () => {
  await using worker = await oneWayWorker(trust, { routines, authenticate: jwt(issuer.settings) });
  await using dispatcher = await oneWayDispatcher(trust, worker.address);
  // A token that ends before the call has begun refuses it; the next one is valid for longer.
  const begun = async (seconds: number) => {
    const exp = nowS() + seconds;
    ended = Promise.withResolvers();
    const items = dispatcher.stream(endless, [], { token: await issuer.token({ exp }) });
    const first = await items.next().catch((error) => assert.equal(error.reason, "token-expired"));
    return first?.value === "begun" ? { items, exp } : undefined;
  };
  let stream: Awaited<ReturnType<typeof begun>>;
  for (let seconds = 3; stream === undefined; seconds *= 2) stream = await begun(seconds);
  const { items, exp } = stream;
  await assert.rejects(items.next(), { name: "AuthenticationError", reason: "token-expired" });
  assert.equal((await ended.promise as Error).name, "AuthenticationError");
  assert.ok(Date.now() >= exp * 1_000);
});

Deno.test("a signed call is accepted once, at the worker and with the arguments it was signed for", async () => {
  const key = { id: "a", key: crypto.getRandomValues(new Uint8Array(32)) };
  const authenticate = signedNonce({ keys: { a: key.key } });
  await using worker = await oneWayWorker(trust, { routines, authenticate });
  const signed = signNonce(key);
  await using dispatcher = await oneWayDispatcher(trust, worker.address, { token: signed });
  assert.deepEqual(await dispatcher.call(work, ["x"]), ["x", "a"]);
  assert.equal((await Array.fromAsync(dispatcher.stream(count, [2]))).length, 2);
  const stolen: string[] = [];
  const keeping = {
    sign: (call: Parameters<typeof signed.sign>[0]) => {
      const token = signed.sign(call);
      stolen.push(token);
      return token;
    },
  };
  await using victim = await oneWayDispatcher(trust, worker.address, { token: keeping });
  await victim.call(work, ["x"]);
  const before = runs;
  const replayed = { token: stolen[0]! };
  await assert.rejects(dispatcher.call(work, ["x"], replayed), { reason: "token-replayed" });
  await using elsewhere = await oneWayWorker(trust, { routines, authenticate });
  await using there = await oneWayDispatcher(trust, elsewhere.address);
  await assert.rejects(there.call(work, ["x"], replayed), { reason: "token-bad-signature" });
  const forOthers = signed.sign({
    workerId: worker.id,
    routine: work.name,
    payloadDigest: "00".repeat(32),
    now: Date.now(),
  });
  await assert.rejects(dispatcher.call(work, ["x"], { token: forOthers }), {
    reason: "token-bad-signature",
  });
  assert.equal(runs, before);
});

Deno.test("a call that was signed before its worker began is accepted only where nobody had the worker's id before", async () => {
  const key = { id: "a", key: crypto.getRandomValues(new Uint8Array(32)) };
  const authenticate = signedNonce({ keys: { a: key.key }, windowS: 300 });
  const { sign } = signNonce(key);
  // As if it had been kept from the process that had this id before.
  const early = {
    sign: (call: Parameters<typeof sign>[0]) => sign({ ...call, now: call.now - 200_000 }),
  };
  await using named = await oneWayWorker(trust, { routines, authenticate, id: "named" });
  await using caller = await oneWayDispatcher(trust, named.address, { token: early });
  await assert.rejects(caller.call(work, ["x"]), { reason: "token-expired" });
  await using unnamed = await oneWayWorker(trust, { routines, authenticate });
  await using other = await oneWayDispatcher(trust, unnamed.address, { token: early });
  assert.deepEqual(await other.call(work, ["x"]), ["x", "a"]);
});

Deno.test("the claims of a token decide in the policy", async () => {
  await using worker = await oneWayWorker(trust, {
    routines,
    authenticate: jwt(issuer.settings),
    policy: {
      default: "deny",
      rules: [{ effect: "allow", claims: { sub: "alice" }, what: ["tokens.work"] }],
    },
  });
  await using dispatcher = await oneWayDispatcher(trust, worker.address, {
    token: await issuer.token(),
  });
  assert.deepEqual(await dispatcher.call(work, ["x"]), ["x", "alice"]);
  const token = await issuer.token({ sub: "bob" });
  await assert.rejects(dispatcher.call(work, ["x"], { token }), { name: "AuthorizationError" });
  const client = createClient(WorkerService, dispatcher.transport);
  const { routines: listed } = await client.describe({});
  assert.deepEqual(listed.map(({ name }) => name), ["tokens.work"]);
});

Deno.test("a hook decides, and what it throws is not passed on", async () => {
  await using worker = await oneWayWorker(trust, {
    routines,
    authenticate: ({ token }) => {
      if (token === "good") return { claims: { sub: "hook" } };
      throw new Error(`no such token: ${token}`);
    },
  });
  await using dispatcher = await oneWayDispatcher(trust, worker.address, { token: "good" });
  assert.deepEqual(await dispatcher.call(work, ["x"]), ["x", "hook"]);
  const error = await dispatcher.call(work, ["x"], { token: "secret" }).catch((error) => error);
  assert.equal(error.reason, "token-invalid");
  assert.ok(!error.message.includes("secret"));
});

Deno.test("a token too large for the worker's header list fails at once, and the worker serves on", async () => {
  await using worker = await oneWayWorker(trust, { routines, authenticate: jwt(issuer.settings) });
  await using dispatcher = await oneWayDispatcher(trust, worker.address);
  await assert.rejects(
    dispatcher.call(work, ["x"], { token: "a".repeat(64 * 1024) }),
    InvalidPayload,
  );
  const token = await issuer.token();
  assert.deepEqual(await dispatcher.call(work, ["x"], { token }), ["x", "alice"]);
});

Deno.test("a worker that verifies no tokens reports once that one arrived, and so does its caller", async () => {
  await using worker = await oneWayWorker(trust, { routines });
  const events = worker.events();
  const dispatcher = await oneWayDispatcher(trust, worker.address, { token: "x" });
  const atCaller = dispatcher.events();
  await dispatcher.call(work, ["x"]);
  await dispatcher.call(work, ["x"]);
  await dispatcher[Symbol.asyncDispose]();
  await worker.drain();
  const ignored = async (events: EventStream) =>
    (await Array.fromAsync(events)).flatMap((event) =>
      event.type === "security.token-ignored" ? [[event.side, event.peer.identity]] : []
    );
  assert.deepEqual(await ignored(events), [["worker", undefined]]);
  assert.deepEqual(await ignored(atCaller), [["dispatcher", WORKER_ID]]);
});

Deno.test("a token that could not be had is not reported as one that a worker ignores", async () => {
  await using worker = await oneWayWorker(trust, { routines });
  const dispatcher = await oneWayDispatcher(trust, worker.address, {
    token: () => Promise.reject(new Error("the file is missing")),
  });
  const events = dispatcher.events();
  await assert.rejects(dispatcher.call(work, ["x"]), /the file is missing/);
  await dispatcher[Symbol.asyncDispose]();
  const types = (await Array.fromAsync(events)).map(({ type }) => type);
  assert.ok(!types.includes("security.token-ignored"), types.join(" "));
});

Deno.test("authenticate is refused where tokens could not arrive, or not be bound", async () => {
  const authenticate = jwt({ ...issuer.settings, require: "both" });
  await assert.rejects(WorkerServer.start({ routines, authenticate }), ConfigurationError);
  await assert.rejects(oneWayWorker(trust, { routines, authenticate }), ConfigurationError);
});
