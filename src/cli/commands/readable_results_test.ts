import assert from "node:assert/strict";
import { parsePolicy } from "../../policy/mod.ts";
import { namedPeer } from "../../identity/mod.ts";
import { checkedLines } from "./certs_check.ts";
import { describedLines } from "./describe_command.ts";
import { decisionLines } from "./policy_command.ts";

Deno.test("describedLines() shows the routines and services of a worker as tables", () => {
  const lines = describedLines({
    id: "w1",
    routines: [
      { name: "math.add", idempotent: true },
      { name: "math.primes", shape: "stream", idempotent: false, version: "2" },
    ],
    services: ["grpc.health.v1.Health"],
    tags: ["gpu", "big"],
    idleSeconds: 4,
    inFlight: 0,
  });
  assert.deepEqual(lines, [
    "WORKER  LOAD         TAGS",
    "w1      idle for 4s  gpu,big",
    "",
    "ROUTINE      SHAPE   IDEMPOTENT  VERSION",
    "math.add     call    yes         -",
    "math.primes  stream  no          2",
    "",
    "SERVICE",
    "grpc.health.v1.Health",
  ]);
});

Deno.test("describedLines() shows a worker without routines and services by its load", () => {
  const nothing = { id: "w1", routines: [], services: [], tags: [], idleSeconds: 0, inFlight: 3 };
  assert.deepEqual(describedLines(nothing), [
    "WORKER  LOAD         TAGS",
    "w1      3 in flight  -",
  ]);
});

Deno.test("decisionLines() shows the rule that decides, and why those before it do not", () => {
  const policy = parsePolicy(
    JSON.stringify({
      rules: [
        { name: "admins", effect: "allow", who: ["spiffe://example.org/admin"], what: ["admin.*"] },
        { name: "math", effect: "allow", who: ["spiffe://example.org/client/*"], what: ["math.*"] },
      ],
    }),
    { claims: true },
  );
  const identity = namedPeer("spiffe://example.org/client/a", "--as");
  const decided = (name: string) =>
    decisionLines(policy.explain({ identity, claims: undefined }, { name, tags: [] }));
  assert.deepEqual(decided("math.add"), [
    "allow by math (who spiffe://example.org/client/*, what math.*)",
    "  admins does not match: who, what",
  ]);
  assert.deepEqual(decided("files.read"), [
    "deny by default-deny",
    "  admins does not match: who, what",
    "  math does not match: what",
  ]);
});

Deno.test("checkedLines() shows what a peer would refuse, and what to do about it", () => {
  const refused = [{
    rule: "pem.torn",
    field: "PEM",
    found: "a torn block",
    advice: "copy it whole",
  }];
  const checked = {
    file: "a.pem",
    ok: false,
    kind: "chain",
    certificates: [],
    refused,
    advice: [],
  };
  assert.deepEqual(checkedLines(checked, 0), [
    "FAIL  a.pem (chain)",
    "        refused   a torn block (pem.torn)",
    "        do        copy it whole",
  ]);
});
