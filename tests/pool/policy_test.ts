/** The policy of spawned workers decides about every kind of call, and is swapped while they run. */
import assert from "node:assert/strict";
import type { CallOptions } from "../../src/contract/mod.ts";
import { type AuthenticationReason, ConfigurationError } from "../../src/errors/mod.ts";
import type { EventStream, SelvageEvent } from "../../src/observe/mod.ts";
import { type Authenticator, jwt, type Policy } from "../../src/policy/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { startWorker } from "../e2e/pair.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";
import { Issuer } from "../tokens/issuer.ts";
import { add, count, innerCaller, mark, sums } from "./routines.ts";
import { square } from "./thread_routines.ts";

const modules = ["./routines.ts", "./thread_routines.ts"].map((one) =>
  new URL(one, import.meta.url)
);

async function next<Type extends SelvageEvent["type"]>(events: EventStream, type: Type) {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error("the events have ended");
    if (value.type === type) return value as Extract<SelvageEvent, { type: Type }>;
  }
}

type Call = (pool: WorkerPool, options?: CallOptions) => Promise<unknown>;

/** Each way to call a worker of a pool. */
const CALLS: readonly (readonly [string, Call, unknown])[] = [
  ["pool.add", (pool, options) => pool.call(add, [1, 2], options), 3],
  ["pool.count", (pool, options) => Array.fromAsync(pool.stream(count, [2], options)), [1, 2]],
  ["pool.sums", (pool, options) => Array.fromAsync(pool.duplex(sums, [1, 2], [], options)), [1, 3]],
  ["pool.square", (pool, options) => pool.call(square, [3], options), 9],
];

/** Counts how often it has run; it is called validly once. */
const MARK: (typeof CALLS)[number] = [
  "pool.mark",
  (pool, options) => pool.call(mark, [], options),
  1,
];

const NAMES = CALLS.map(([name]) => name);

/** Rules about every call, and the rule that denies it. */
const RULES: readonly (readonly [Policy, string | undefined])[] = [
  [{ rules: [] }, "default-deny"],
  [{ default: "allow", rules: [] }, undefined],
  [{ rules: [{ effect: "allow", what: ["pool.other"] }] }, "default-deny"],
  [{ rules: [{ effect: "allow", what: NAMES }] }, undefined],
  [{ rules: [{ effect: "allow", who: ["spiffe://example.org/other"] }] }, "default-deny"],
  [{ rules: [{ effect: "allow", who: ["*"], what: ["pool.*"] }] }, undefined],
  [{ rules: [{ effect: "allow", who: ["anonymous"] }] }, "default-deny"],
  [
    { rules: [{ name: "closed", effect: "deny", what: NAMES }, { effect: "allow" }] },
    "closed",
  ],
];

/** A policy file that is replaced as a whole. */
class PolicyFile implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly path = `${this.#folder}/policy.jsonc`;

  async write(policy: Policy): Promise<void> {
    await Deno.writeTextFile(`${this.path}.new`, JSON.stringify(policy));
    await Deno.rename(`${this.path}.new`, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("a policy of many rules reaches the workers of a pool", async () => {
  const rules = Array.from({ length: 20_000 }, (_, at) => ({
    name: `another routine is not for another worker, rule ${at}`,
    effect: "deny" as const,
    what: [`other.routine${at}`],
  }));
  const policy: Policy = { default: "allow", rules };
  const spawn = { count: 1, threads: 0, modules: modules.slice(0, 1), policy };
  await using pool = await WorkerPool.open({ spawn });
  assert.equal(await pool.call(add, [1, 2]), 3);
});

Deno.test("a policy decides about every kind of call in every mode of a pool", async () => {
  await using file = new PolicyFile();
  await file.write({ default: "allow", rules: [] });
  const trust = new Trust();
  await using remote = await startWorker(trust, { routines: {}, modules, policy: file.path });
  const spawn = { count: 1, modules, policy: file.path };
  const discovered = {
    discovery: `static:${remote.address}`,
    credentials: trust.client(),
    identity: WORKER_ID,
  };
  await using eachCore = await WorkerPool.open({ spawn: { modules, policy: file.path } });
  const cores = eachCore.workers().length;
  assert.equal(cores, navigator.hardwareConcurrency);
  await using spawned = await WorkerPool.open({ spawn });
  await using found = await WorkerPool.open(discovered);
  await using both = await WorkerPool.open({ spawn, ...discovered });
  const modes = { eachCore, spawned, found, both };
  // Those that watch the file: spawned workers, whose events reach their pools, and the discovered one.
  using ofEachCore = eachCore.events();
  using ofSpawned = spawned.events();
  using ofBoth = both.events();
  using ofRemote = remote.events();
  for (const [policy, rule] of RULES) {
    await file.write(policy);
    await Promise.all(
      [ofSpawned, ofBoth, ofRemote].map((events) => next(events, "policy.changed")),
    );
    for (let worker = 0; worker < cores; worker++) await next(ofEachCore, "policy.changed");
    for (const [mode, pool] of Object.entries(modes)) {
      for (const [name, call, result] of CALLS) {
        const about = `${name}, ${mode}, ${JSON.stringify(policy)}`;
        if (rule === undefined) assert.deepEqual(await call(pool), result, about);
        else await assert.rejects(call(pool), { name: "AuthorizationError", rule }, about);
      }
    }
  }
});

Deno.test("spawned workers verify tokens beside the pool's certificate, in every kind of call", async () => {
  const issuer = await Issuer.create();
  const other = await Issuer.create();
  const nowS = Math.floor(Date.now() / 1_000);
  const exp = nowS + 3_600;
  const invalid: readonly (readonly [AuthenticationReason, string | undefined])[] = [
    ["token-missing", undefined],
    ["token-malformed", "opaque"],
    ["token-expired", await issuer.token({ exp: nowS - 60 })],
    ["token-not-yet-valid", await issuer.token({ nbf: exp, exp: exp + 60 })],
    ["token-wrong-audience", await issuer.token({ exp, aud: "spiffe://example.org/other" })],
    ["token-wrong-issuer", await issuer.token({ exp, iss: "https://other.example" })],
    ["token-unknown-key", await issuer.token({ exp }, "k2")],
    ["token-bad-signature", await other.token({ exp })],
  ];
  await using pool = await WorkerPool.open({
    spawn: {
      count: 1,
      modules,
      authenticate: jwt(issuer.settings),
      policy: { rules: [{ effect: "allow", claims: { sub: "alice" } }] },
    },
  });
  using events = pool.events();
  for (const [reason, token] of invalid) {
    const options = token === undefined ? {} : { token };
    for (const [name, call] of [...CALLS, MARK]) {
      const expected = { name: "AuthenticationError", reason };
      await assert.rejects(call(pool, options), expected, `${name}: ${reason}`);
      assert.equal((await next(events, "dispatch.unauthenticated")).reason, reason);
    }
  }
  const bob = { token: await issuer.token({ exp, sub: "bob" }) };
  await assert.rejects(pool.call(mark, [], bob), { name: "AuthorizationError" });
  const alice = { token: await issuer.token({ exp }) };
  for (const [name, call, result] of [...CALLS, MARK]) {
    assert.deepEqual(await call(pool, alice), result, name);
  }
});

Deno.test("WorkerPool's routines call their own worker as who it is, under a policy in code", async () => {
  const open = (who: string) =>
    WorkerPool.open({
      spawn: {
        count: 1,
        modules: [modules[0]!],
        threads: 0,
        policy: {
          rules: [
            { effect: "allow", who: ["*"], what: ["pool.innerCaller"] },
            { effect: "allow", who: [who], what: ["pool.caller"] },
          ],
        },
      },
    });
  await using closed = await open("anonymous");
  await assert.rejects(closed.call(innerCaller, []), { name: "RoutineError" });
  await using opened = await open("*");
  const inner = await opened.call(innerCaller, []);
  const [worker] = opened.workers();
  assert.equal(inner, `spiffe://${opened.id}.pool.selvage/worker/${worker!.id}`);
});

Deno.test("WorkerPool refuses a function as policy or authenticate, and rules that are not valid, before it spawns", async () => {
  const wrong: readonly unknown[] = [
    { authorize: () => true },
    { rules: [{ effect: "alow" }] },
    { rules: [{ effect: "allow", claims: { a: 1 } }] },
  ];
  for (const policy of wrong) {
    await assert.rejects(
      WorkerPool.open({ spawn: { count: 1, modules, policy: policy as Policy } }),
      ConfigurationError,
    );
  }
  const { settings } = await Issuer.create();
  for (const authenticate of [{ ...jwt(settings) }, () => ({ claims: {} })]) {
    await assert.rejects(
      WorkerPool.open({
        spawn: { count: 1, modules, authenticate: authenticate as Authenticator },
      }),
      { name: "ConfigurationError", setting: "spawn.authenticate" },
    );
  }
});
