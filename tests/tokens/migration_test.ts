import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError, HandshakeError } from "../../src/errors/mod.ts";
import { Health, WorkerService } from "../../src/gen/mod.ts";
import { jwt } from "../../src/policy/mod.ts";
import { failureInDetails } from "../../src/routine/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";
import { Issuer, oneWayWorker } from "./issuer.ts";

let secrets = 0;
const open = routine("migration.open", (text: string) => text);
const stream = routine("migration.stream", async function* () {
  yield 1;
});
const secret = routine("migration.secret", () => secrets += 1);
const routines = { open, stream, secret };
const trust = new Trust();
const anonymous = { from: ["127.0.0.0/8"], routines: ["migration.open", "migration.stream"] };

const plainly = (address: string, more = {}) =>
  Dispatcher.open({ discovery: `static:${address}`, ...more });

Deno.test("one port serves TLS callers in full, and plaintext callers what they may still call", async () => {
  await using worker = await startWorker(trust, { routines, plaintext: "accept", anonymous });
  assert.match(worker.url, /^https:/);
  const events = worker.events();
  await using known = await openDispatcher(trust, worker.address);
  await using stranger = await plainly(worker.address);
  const before = secrets;
  assert.equal(await known.call(secret, []), before + 1);
  assert.equal(await stranger.call(open, ["x"]), "x");
  assert.deepEqual(await Array.fromAsync(stranger.stream(stream, [])), [1]);
  await assert.rejects(stranger.call(secret, []), {
    name: "AuthorizationError",
    rule: "anonymous",
  });
  assert.equal(secrets, before + 1);
  const health = await createClient(Health, stranger.transport).check({});
  assert.equal(health.status, 1);
  const described = await createClient(WorkerService, stranger.transport).describe({})
    .catch((error) => error);
  assert.equal((described.cause ?? failureInDetails(described)).rule, "anonymous");
  assert.deepEqual(worker.peers().map(({ security }) => security).sort(), [
    "mutual-tls",
    "plaintext",
  ]);
  await stranger[Symbol.asyncDispose]();
  await worker.drain();
  let plaintext = 0;
  for await (const { type } of events) if (type === "security.plaintext-caller") plaintext += 1;
  assert.equal(plaintext, 1);
});

Deno.test("plaintext from elsewhere, and TLS without a certificate, are refused as without it", async () => {
  await using worker = await startWorker(trust, {
    routines,
    plaintext: "accept",
    anonymous: { ...anonymous, from: ["10.0.0.0/8"] },
  });
  await using stranger = await plainly(worker.address);
  await assert.rejects(stranger.call(open, ["x"]), (error: unknown) => {
    assert.ok(error instanceof HandshakeError);
    assert.equal(error.reason, "encrypted-peer");
    return true;
  });
  await using other = await openDispatcher(new Trust(), worker.address);
  await assert.rejects(other.call(open, ["x"]), HandshakeError);
});

Deno.test("anonymous callers have places of their own, and the policy decides about them, too", async () => {
  const held = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const hold = routine("migration.hold", async () => {
    entered.resolve();
    await held.promise;
  });
  await using worker = await startWorker(trust, {
    routines: { ...routines, hold },
    plaintext: "accept",
    anonymous: { from: ["127.0.0.1"], routines: ["migration.*"], concurrency: 1 },
    policy: {
      default: "allow",
      rules: [{ effect: "deny", who: ["anonymous"], what: ["migration.secret"], name: "no" }],
    },
  });
  await using stranger = await plainly(worker.address);
  await using known = await openDispatcher(trust, worker.address);
  await assert.rejects(stranger.call(secret, []), { rule: "no" });
  const holding = stranger.call(hold, []);
  await entered.promise;
  await assert.rejects(stranger.call(open, ["x"]), { name: "Overloaded" });
  assert.equal(await known.call(open, ["x"]), "x");
  held.resolve();
  await holding;
  assert.equal(await stranger.call(open, ["x"]), "x");
});

Deno.test("settings that leave open who may call in plaintext are refused", async () => {
  const cases: Partial<WorkerServerOptions>[] = [
    { plaintext: "accept" },
    { anonymous },
    { plaintext: "accept", anonymous: { ...anonymous, from: [] } },
    { plaintext: "accept", anonymous: { ...anonymous, from: ["everywhere"] } },
    { plaintext: "accept", anonymous, strict: true },
    { plaintext: "accept", anonymous, nativeTls: true },
    { plaintext: "accept", anonymous, listen: "memory:migration" },
  ];
  for (const options of cases) {
    await assert.rejects(startWorker(trust, { routines, ...options }), ConfigurationError);
  }
  await assert.rejects(
    WorkerServer.start({ routines, plaintext: "accept", anonymous }),
    ConfigurationError,
  );
});

Deno.test("a strict worker starts with mutual TLS, or with tokens over one-way TLS, and names what is missing", async () => {
  await using mutual = await startWorker(trust, { routines, strict: true });
  assert.equal(mutual.posture().strict, true);
  const issuer = await Issuer.create();
  const authenticate = jwt(issuer.settings);
  await using tokens = await oneWayWorker(trust, { routines, strict: true, authenticate });
  assert.equal(tokens.posture().tokens, "token");
  const refused = async (starting: Promise<WorkerServer>, setting: string) =>
    await assert.rejects(starting, { name: "ConfigurationError", setting });
  await refused(oneWayWorker(trust, { routines, strict: true }), "authenticate");
  await refused(WorkerServer.start({ routines, strict: true }), "credentials");
  await refused(
    startWorker(trust, { routines, strict: true, health: "0.0.0.0:0", metrics: true }),
    "metrics",
  );
  const folder = await Deno.makeTempDir();
  try {
    await using own = await WorkerServer.start({
      routines,
      strict: true,
      listen: `unix:${folder}/worker.sock`,
    });
    assert.deepEqual(own.posture().listeners.map(({ security }) => security), ["unix-socket"]);
    await Deno.chmod(folder, 0o777);
    const listen = `unix:${folder}/other.sock`;
    await refused(WorkerServer.start({ routines, strict: true, listen }), "listen");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the posture says what is open, and why", async () => {
  await using worker = await startWorker(trust, {
    routines,
    allow: "*",
    plaintext: "accept",
    anonymous: { from: ["127.0.0.1"] },
  });
  const { open, policy, tokens, allow } = worker.posture();
  assert.deepEqual([policy, tokens, allow], [false, "ignored", ["*"]]);
  assert.deepEqual(open, [
    "anyone whom the CA has signed may connect: allow is *",
    "who may connect may call everything: no policy is set",
    "callers in plaintext from 127.0.0.1 may call health alone",
  ]);
  await using bare = await WorkerServer.start({ routines, health: "127.0.0.1:0" });
  assert.match(bare.posture().open[0]!, /no credentials are set/);
  assert.equal(bare.posture().open.at(-1), `health is shown in plaintext at ${bare.healthAddress}`);
});
