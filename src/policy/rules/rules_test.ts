import assert from "node:assert/strict";
import { heapBytes } from "../../../tests/support/heap.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { namedPeer } from "../../identity/mod.ts";
import { CompiledPolicy } from "./compiled_policy.ts";
import type { PolicyDecision, PolicySubject } from "./decision.ts";
import { matchesText, readGlob } from "./glob.ts";
import type { Policy } from "./policy.ts";
import { readPolicy } from "./read_policy.ts";

const CLIENT = subject("spiffe://example.org/client/a");
const OTHER = subject("spiffe://example.org/client/b");
const ANONYMOUS: PolicySubject = { identity: undefined, claims: undefined };

function subject(id: string, claims?: Record<string, unknown>): PolicySubject {
  return { identity: namedPeer(id, "test"), claims };
}

function compile(policy: Policy | unknown, claims = true): CompiledPolicy {
  return new CompiledPolicy(readPolicy(policy, { claims }));
}

function decide(
  policy: CompiledPolicy,
  who: PolicySubject,
  name: string,
  tags: readonly string[] = [],
): PolicyDecision {
  return policy.decide(who, { name, tags });
}

Deno.test("a glob's * stops at . and /, and ** does not", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["math.*", "math.add", true],
    ["math.*", "math.", true],
    ["math.*", "math.a.b", false],
    ["math.*", "maths.add", false],
    ["math.**", "math.a.b", true],
    ["*", "add", true],
    ["*", "math.add", false],
    ["**", "acme.v1.Echo/Say", true],
    ["acme.v1.Echo/*", "acme.v1.Echo/Say", true],
    ["acme.v1.Echo/*", "acme.v1.Echo2/Say", false],
    ["acme.*.Echo/*", "acme.v1.Echo/Say", true],
    ["acme.*.Echo/*", "acme.v1.x.Echo/Say", false],
    ["math.add", "math.add", true],
    ["math.add", "math.Add", false],
    ["*dd", "add", true],
    ["a*d*d", "add", true],
    ["a**b**c", "a.b/b.c", true],
  ];
  for (const [glob, name, matches] of cases) {
    assert.equal(readGlob(glob)!.matches(name), matches, `${glob} ${name}`);
  }
  for (const text of ["", "a b", "math.***", "mäth", "a?b", "[ab]", "a\n"]) {
    assert.equal(readGlob(text), undefined, JSON.stringify(text));
  }
});

Deno.test("a glob costs time that grows with its length and the name's, whatever they hold", () => {
  const glob = readGlob("**a".repeat(200))!;
  assert.equal(glob.matches(`${"a".repeat(2_000)}b`), false);
  assert.equal(matchesText("*a*".repeat(100), `${"a".repeat(2_000)}b`), true);
});

Deno.test("names that callers make up cost no memory that grows with the rules, and long ones none at all", async () => {
  const rules = Array.from({ length: 5_000 }, (_, n) => ({
    effect: "allow",
    who: [`spiffe://example.org/client/${n}`],
    what: ["math.*"],
  }));
  const policy = compile({ rules });
  const who = subject("spiffe://example.org/client/7");
  const before = await heapBytes();
  for (let n = 0; n < 2_000; n++) {
    assert.equal(decide(policy, who, `math.made-up-${n}`).rule, "rule 8");
    assert.equal(decide(policy, who, `math.${n}${"x".repeat(10_000)}`).rule, "rule 8");
  }
  const grown = await heapBytes() - before;
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes`);
});

Deno.test("the first rule that matches decides, in any mixture of exact names and globs", () => {
  const policy = compile({
    default: "deny",
    rules: [
      { name: "not b", effect: "deny", who: ["spiffe://example.org/client/b"], what: ["math.add"] },
      {
        name: "clients",
        effect: "allow",
        who: ["spiffe://example.org/client/*"],
        what: ["math.*"],
      },
      { name: "never reached", effect: "deny", what: ["math.*"] },
      {
        name: "a reads",
        effect: "allow",
        who: ["spiffe://example.org/client/a"],
        what: ["db.read"],
      },
      { name: "nobody writes", effect: "deny", what: ["db.**"] },
    ],
  });
  assert.deepEqual(decide(policy, CLIENT, "math.add"), { allowed: true, rule: "clients" });
  assert.deepEqual(decide(policy, OTHER, "math.add"), { allowed: false, rule: "not b" });
  assert.deepEqual(decide(policy, OTHER, "math.sub"), { allowed: true, rule: "clients" });
  assert.deepEqual(decide(policy, CLIENT, "db.read"), { allowed: true, rule: "a reads" });
  assert.deepEqual(decide(policy, CLIENT, "db.write"), { allowed: false, rule: "nobody writes" });
  assert.deepEqual(decide(policy, CLIENT, "else"), { allowed: false, rule: "default-deny" });
  // What is kept for a peer is the same the second time.
  assert.deepEqual(decide(policy, OTHER, "math.add"), { allowed: false, rule: "not b" });
});

Deno.test("an exact identity loses to an earlier rule and wins over a later one", () => {
  const policy = compile({
    rules: [
      { name: "early", effect: "deny", who: ["spiffe://example.org/**"], what: ["x"], tags: ["t"] },
      { name: "exact", effect: "allow", who: ["spiffe://example.org/client/a"], what: ["x"] },
      { name: "late", effect: "deny", what: ["x"] },
    ],
  });
  assert.equal(decide(policy, CLIENT, "x").rule, "exact");
  assert.equal(decide(policy, CLIENT, "x", ["t"]).rule, "early");
  assert.equal(decide(policy, OTHER, "x").rule, "late");
  assert.equal(policy.readsTags("x"), true);
  assert.equal(policy.readsTags("y"), false);
});

Deno.test("a rule without who matches every caller but the anonymous", () => {
  const policy = compile({
    rules: [
      { name: "known", effect: "allow", what: ["a"] },
      { name: "anyone", effect: "allow", what: ["b"], who: ["anonymous", "*"] },
      { name: "nameless", effect: "allow", what: ["c"], who: ["anonymous"] },
    ],
  });
  assert.equal(decide(policy, CLIENT, "a").allowed, true);
  assert.equal(decide(policy, ANONYMOUS, "a").allowed, false);
  assert.equal(decide(policy, ANONYMOUS, "b").allowed, true);
  assert.equal(decide(policy, CLIENT, "b").allowed, true);
  assert.equal(decide(policy, ANONYMOUS, "c").allowed, true);
  assert.equal(decide(policy, CLIENT, "c").allowed, false);
  // A token without a certificate is not anonymous, and has no identity that a pattern could match.
  const bearer = { identity: undefined, claims: { sub: "x" } };
  assert.equal(decide(policy, bearer, "a").allowed, true);
  assert.equal(decide(policy, bearer, "b").allowed, false);
});

Deno.test("claims match by equality, glob, membership and dotted path, each of them", () => {
  const wants = (claims: unknown) => compile({ rules: [{ effect: "allow", claims, what: ["x"] }] });
  const holds = (claims: unknown, given: Record<string, unknown>) =>
    decide(wants(claims), subject("spiffe://example.org/c", given), "x").allowed;
  assert.equal(holds({ role: "admin" }, { role: "admin" }), true);
  assert.equal(holds({ role: "admin" }, { role: "Admin" }), false);
  assert.equal(holds({ role: "admin" }, { role: ["admin"] }), false);
  assert.equal(holds({ n: 1 }, { n: "1" }), false);
  assert.equal(holds({ on: true }, { on: true }), true);
  assert.equal(holds({ groups: { has: "dev" } }, { groups: ["ops", "dev"] }), true);
  assert.equal(holds({ groups: { has: "dev" } }, { groups: ["develop"] }), false);
  assert.equal(holds({ scope: { has: "read" } }, { scope: "write read" }), true);
  assert.equal(holds({ scope: { has: "read" } }, { scope: "readonly" }), false);
  assert.equal(holds({ sub: { glob: "repo:acme/*" } }, { sub: "repo:acme/x:ref" }), true);
  assert.equal(holds({ sub: { glob: "repo:acme/*" } }, { sub: "repo:acmes/x" }), false);
  assert.equal(holds({ "a.b.c": 1 }, { a: { b: { c: 1 } } }), true);
  assert.equal(holds({ "a.b": 1 }, { "a.b": 1 }), true);
  assert.equal(holds({ "kubernetes.io.namespace": "p" }, { "kubernetes.io": {} }), false);
  assert.equal(holds({ "constructor.name": "Object" }, {}), false);
  assert.equal(holds({ a: 1, b: 2 }, { a: 1 }), false);
  const without = wants({ a: 1 });
  assert.equal(decide(without, CLIENT, "x").allowed, false);
});

Deno.test("decisions are kept by caller: another token of the same identity is judged anew", () => {
  const policy = compile({ rules: [{ effect: "allow", claims: { role: "admin" } }] });
  const { identity } = CLIENT;
  const admin = { identity, claims: { role: "admin" } };
  const user = { identity, claims: { role: "user" } };
  for (let turn = 0; turn < 2; turn++) {
    assert.equal(decide(policy, admin, "x").allowed, true);
    assert.equal(decide(policy, user, "x").allowed, false);
    assert.equal(decide(policy, CLIENT, "x").allowed, false);
    assert.equal(decide(policy, ANONYMOUS, "x").allowed, false);
  }
});

Deno.test("what is no policy is refused, and the message names the place", () => {
  const rule = { effect: "allow" };
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[], /the policy has to be an object/],
    [{}, /rules has to be a list/],
    [{ rules: [], extra: 1 }, /unknown key "extra"/],
    [{ rules: [], default: "maybe" }, /default is "maybe"/],
    [{ rules: [{}] }, /rules\[0\]\.effect/],
    [{ rules: [rule, { ...rule, whom: [] }] }, /rules\[1\] has the unknown key "whom"/],
    [{ rules: [{ ...rule, who: [] }] }, /rules\[0\]\.who is empty: .* that is not anonymous/],
    [{ rules: [{ ...rule, what: [] }] }, /rules\[0\]\.what is empty: .* any$/],
    [{ rules: [{ ...rule, what: ["a b"] }] }, /rules\[0\]\.what holds "a b"/],
    [{ rules: [{ ...rule, who: "a" }] }, /rules\[0\]\.who has to be a list/],
    [{ rules: [{ ...rule, who: ["spiffe://td/../x"] }] }, /SPIFFE pattern/],
    [{ rules: [{ ...rule, claims: {} }] }, /claims is empty/],
    [{ rules: [{ ...rule, claims: { a: { glob: 1 } } }] }, /claims\.a has to be/],
    [{ rules: [{ ...rule, claims: { a: { is: 1 } } }] }, /unknown key "is"/],
    [{ rules: [{ ...rule, name: "x" }, { ...rule, name: "x" }] }, /two rules "x"/],
  ];
  for (const [policy, message] of wrong) {
    assert.throws(() => compile(policy), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(
    () => compile({ rules: [{ ...rule, claims: { a: 1 } }] }, false),
    /verifies no tokens: set authenticate/,
  );
});

Deno.test("explain() decides as decide() does, and says why each earlier rule did not match", () => {
  const policy = compile({
    rules: [
      { name: "admins", effect: "allow", claims: { role: "admin" }, what: ["math.*"] },
      { name: "gpu", effect: "allow", what: ["math.*"], tags: ["gpu"] },
      { name: "b only", effect: "allow", who: ["spiffe://example.org/client/b"] },
      { name: "clients", effect: "deny", who: ["cn:x", "spiffe://example.org/client/*"] },
    ],
  });
  const why = policy.explain(CLIENT, { name: "db.read", tags: [] });
  assert.deepEqual(why, {
    allowed: false,
    rule: "clients",
    index: 3,
    matched: { who: "spiffe://example.org/client/*" },
    passed: [
      { rule: "admins", mismatched: ["what", "claims"] },
      { rule: "gpu", mismatched: ["what", "tags"] },
      { rule: "b only", mismatched: ["who"] },
    ],
  });
  const names = ["math.add", "db.read", "x"];
  const subjects = [CLIENT, OTHER, ANONYMOUS, subject("spiffe://example.org/c", { role: "admin" })];
  for (const name of names) {
    for (const who of subjects) {
      for (const tags of [[], ["gpu"]]) {
        const { allowed, rule } = policy.explain(who, { name, tags });
        assert.deepEqual(decide(policy, who, name, tags), { allowed, rule });
      }
    }
  }
  assert.equal(policy.explain(ANONYMOUS, { name: "x", tags: [] }).rule, "default-deny");
});

Deno.test("identities that resemble an allowed one are not it", () => {
  const policy = compile({
    rules: [{
      effect: "allow",
      who: ["dns:worker.pool.internal", "dns:*.batch.internal", "spiffe://example.org/ns/*/sa/job"],
    }],
  });
  const allowed = (id: string) => decide(policy, subject(id), "x").allowed;
  for (
    const id of ["worker.pool.internal", "WORKER.pool.internal", "a.batch.internal"]
  ) assert.equal(allowed(id), true, id);
  assert.equal(allowed("spiffe://example.org/ns/a/sa/job"), true);
  for (
    const id of [
      "worker.pool.internal.example.org",
      "xworker.pool.internal",
      "worker-pool.internal",
      "batch.internal",
      "a.b.batch.internal",
      "xn--wrker-kva.pool.internal",
      "w0rker.pool.internal",
      "cn:worker.pool.internal",
      "uri:https://worker.pool.internal/",
      "spiffe://example.org/ns/a/b/sa/job",
      "spiffe://example.org/ns/sa/job",
      "spiffe://example.org/ns/a/sa/Job",
      "spiffe://example.org/ns/a/sa/job/x",
      "spiffe://example.org.evil/ns/a/sa/job",
      "spiffe://worker.pool.internal/ns/a/sa/job",
    ]
  ) assert.equal(allowed(id), false, id);
});

Deno.test("100,000 rules are read, and a name that is given twice is found among the last", () => {
  const rules = Array.from({ length: 100_000 }, (_, n) => ({
    effect: "allow",
    what: [`r${n}.call`],
  }));
  assert.equal(compile({ rules }).rules, 100_000);
  const twice = [...rules.slice(2), { ...rules[0], name: "x" }, { ...rules[0], name: "x" }];
  assert.throws(() => compile({ rules: twice }), /two rules "x"/);
  assert.throws(() => compile({ rules: [...rules, rules[0]] }), /100001 rules, at most/);
});

Deno.test("the committed JSON Schema has the keys, limits and characters that are read", async () => {
  const schema = JSON.parse(
    await Deno.readTextFile(new URL("../policy.schema.json", import.meta.url)),
  );
  const { rule } = schema.$defs;
  const keysOf = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      return / expected (.*)$/.exec((error as Error).message)?.[1]?.split(", ");
    }
    return undefined;
  };
  const ofPolicy = keysOf(() => compile({ rules: [], unknown: 1 }));
  const ofRule = keysOf(() => compile({ rules: [{ effect: "allow", unknown: 1 }] }));
  assert.deepEqual(Object.keys(schema.properties), ofPolicy);
  assert.deepEqual(Object.keys(rule.properties), ofRule);
  const name = "n".repeat(rule.properties.name.maxLength);
  assert.equal(compile({ rules: [{ effect: "allow", name }] }).rules, 1);
  assert.throws(() => compile({ rules: [{ effect: "allow", name: `${name}n` }] }));
  const { maxItems } = schema.properties.rules;
  assert.throws(
    () => compile({ rules: Array(maxItems + 1).fill({ effect: "allow" }) }),
    /at most/,
  );
  const pattern = new RegExp(rule.properties.what.items.pattern);
  for (const text of ["a.b", "a.v1.B/*", "**", "a-b_c", "a b", "ä", "", "a?"]) {
    assert.equal(pattern.test(text), readGlob(text) !== undefined, text);
  }
});
