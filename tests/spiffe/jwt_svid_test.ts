/** JWT-SVIDs: fetched by callers, and verified by workers, over the SPIFFE Workload API. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { routine } from "../../src/contract/mod.ts";
import { type AuthenticationError, ConfigurationError } from "../../src/errors/mod.ts";
import { spiffeJwtSvids } from "../../src/policy/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { spiffeJwtSvid } from "../../src/spiffe/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { add } from "../pool/routines.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Trust } from "../e2e/trust.ts";
import { oneWayDispatcher, oneWayWorker } from "../tokens/issuer.ts";
import { FakeAgent, makeDomain, svid } from "./fake_agent.ts";

const routines = { whoami: routine("svid.whoami", () => currentCall().claims?.["sub"]) };
const CLIENT = "spiffe://example.org/client";
const AUDIENCE = "math-pool";

/** A trust domain that signs tokens. */
async function tokenDomain() {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const bundle = JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: "k" }] });
  const sign = (sub: string, aud: readonly string[] = [AUDIENCE]) => {
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    return new SignJWT({ sub, aud: [...aud], exp }).setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(privateKey);
  };
  return { bundle, sign };
}

/** An agent of `example.org`, which is federated with `partner.test`. */
async function machine() {
  const folder = await Deno.makeTempDir();
  const socket = join(folder, "agent.sock");
  const domain = makeDomain("example.org");
  const agent = await FakeAgent.start(socket, { svids: [svid(domain, "worker")] });
  const ours = await tokenDomain();
  const partner = await tokenDomain();
  agent.bundles = { "spiffe://example.org": ours.bundle, "spiffe://partner.test": partner.bundle };
  agent.issue = async (audience, id) => {
    const spiffeId = id === "" ? CLIENT : id;
    return { svids: [{ spiffeId, svid: await ours.sign(spiffeId, audience) }] };
  };
  const gone = async () => {
    await agent[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  };
  return { socket, agent, ours, partner, [Symbol.asyncDispose]: gone };
}

const trust = new Trust();

Deno.test("a caller fetches a JWT-SVID, and a worker verifies it by the bundle of its trust domain", async () => {
  await using at = await machine();
  const { socket, ours, partner } = at;
  const authenticate = spiffeJwtSvids({ audience: AUDIENCE, socket });
  await using worker = await oneWayWorker(trust, { routines, authenticate });
  const token = spiffeJwtSvid({ audience: AUDIENCE, socket });
  await using dispatcher = await oneWayDispatcher(trust, worker.address, { token });
  assert.equal(await dispatcher.call(routines.whoami, []), CLIENT);
  const other = await spiffeJwtSvid({ audience: AUDIENCE, socket, id: `${CLIENT}/b` })();
  assert.equal(await dispatcher.call(routines.whoami, [], { token: other }), `${CLIENT}/b`);

  const federated = await partner.sign("spiffe://partner.test/client");
  assert.equal(
    await dispatcher.call(routines.whoami, [], { token: federated }),
    "spiffe://partner.test/client",
  );
  const refused = async (token: string) => {
    const error = await dispatcher.call(routines.whoami, [], { token }).catch((error) => error);
    return (error as AuthenticationError).reason;
  };
  // Each domain's keys vouch for its own names alone, although both are known here.
  assert.equal(await refused(await partner.sign(CLIENT)), "token-bad-signature");
  assert.equal(
    await refused(await ours.sign("spiffe://partner.test/client")),
    "token-bad-signature",
  );
  assert.equal(await refused(await ours.sign("spiffe://other.test/client")), "token-unknown-key");
  assert.equal(await refused(await ours.sign("alice")), "token-malformed");
  assert.equal(await refused(await ours.sign(CLIENT, ["other"])), "token-wrong-audience");

  // While the agent is away the last keys stay.
  await at.agent[Symbol.asyncDispose]();
  const later = await ours.sign(`${CLIENT}/later`);
  assert.equal(await dispatcher.call(routines.whoami, [], { token: later }), `${CLIENT}/later`);
});

Deno.test("a worker of one trust domain takes no JWT-SVIDs of the domains that are federated with it", async () => {
  await using at = await machine();
  const { socket, partner } = at;
  const trustDomains = ["example.org"];
  const authenticate = spiffeJwtSvids({ audience: AUDIENCE, socket, trustDomains });
  await using worker = await oneWayWorker(trust, { routines, authenticate });
  await using dispatcher = await oneWayDispatcher(trust, worker.address, {
    token: await partner.sign("spiffe://partner.test/client"),
  });
  await assert.rejects(dispatcher.call(routines.whoami, []), { reason: "token-wrong-issuer" });
});

Deno.test("spawned workers verify JWT-SVIDs by the agent's bundles, with no more permission than its socket takes", async () => {
  await using at = await machine();
  const { socket, ours } = at;
  await using pool = await WorkerPool.open({
    token: spiffeJwtSvid({ audience: AUDIENCE, socket }),
    spawn: {
      count: 1,
      threads: 0,
      modules: [new URL("../pool/routines.ts", import.meta.url)],
      authenticate: spiffeJwtSvids({ audience: AUDIENCE, socket: `unix://${socket}` }),
      policy: { rules: [{ effect: "allow", claims: { sub: CLIENT } }] },
    },
  });
  assert.equal(await pool.call(add, [1, 2]), 3);
  const other = { token: await ours.sign(`${CLIENT}/other`) };
  await assert.rejects(pool.call(add, [1, 2], other), { name: "AuthorizationError" });
  const elsewhere = { token: await ours.sign(CLIENT, ["elsewhere"]) };
  await assert.rejects(pool.call(add, [1, 2], elsewhere), { reason: "token-wrong-audience" });
  const unknown = { token: await (await tokenDomain()).sign(CLIENT) };
  await assert.rejects(pool.call(add, [1, 2], unknown), { reason: "token-bad-signature" });
});

Deno.test("spawn.authenticate refuses JWT-SVIDs by a clock of one's own, which cannot be sent", async () => {
  await using at = await machine();
  const authenticate = spiffeJwtSvids({
    audience: AUDIENCE,
    socket: at.socket,
    clock: new ManualClock(),
  });
  const modules = [new URL("../pool/routines.ts", import.meta.url)];
  await assert.rejects(
    WorkerPool.open({ spawn: { count: 1, modules, authenticate } }),
    { name: "ConfigurationError", setting: "spawn.authenticate" },
  );
});

Deno.test("spiffeJwtSvid() says why the agent gives no token", async () => {
  await using at = await machine();
  at.agent.issue = () => Promise.resolve({ svids: [] });
  await assert.rejects(spiffeJwtSvid({ audience: AUDIENCE, socket: at.socket })(), /no JWT-SVID/);
  await assert.rejects(
    spiffeJwtSvid({ audience: AUDIENCE, socket: `${at.socket}.gone` })(),
    /the SPIFFE Workload API at unix:.*no connection/,
  );
});

Deno.test("JWT-SVIDs are refused settings that are not complete", () => {
  const socket = "/run/agent.sock";
  for (const audience of ["", [], [" "]]) {
    assert.throws(() => spiffeJwtSvid({ audience, socket }), ConfigurationError);
    assert.throws(() => spiffeJwtSvids({ audience, socket }), ConfigurationError);
  }
  assert.throws(() => spiffeJwtSvid({ audience: "a", socket, id: "alice" }), ConfigurationError);
  assert.throws(
    () => spiffeJwtSvids({ audience: "a", socket, trustDomains: ["spiffe://a"] }),
    ConfigurationError,
  );
});
