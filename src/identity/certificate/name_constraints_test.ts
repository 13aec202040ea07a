import assert from "node:assert/strict";
import { forge, type ForgeOptions, general } from "../../../tests/support/forge.ts";
import { judge, leaf, root, WORKER } from "../../../tests/support/judging.ts";

type ConstraintRow = readonly [
  constraints: NonNullable<ForgeOptions["constraints"]>,
  names: readonly Uint8Array[],
  within: boolean,
];

const uriOf = (host: string) => general.uri(host);
const CONSTRAINTS: Readonly<Record<string, ConstraintRow>> = {
  "a permitted trust domain": [{ permitted: [uriOf("example.org")] }, [general.uri(WORKER)], true],
  "another trust domain than permitted": [
    { permitted: [uriOf("partner.org")] },
    [general.uri(WORKER)],
    false,
  ],
  "a trust domain below what is permitted": [
    { permitted: [uriOf(".org")] },
    [general.uri(WORKER)],
    true,
  ],
  "an excluded trust domain": [{ excluded: [uriOf("example.org")] }, [general.uri(WORKER)], false],
  "a second name that is excluded": [
    { excluded: [general.dns("evil.example")] },
    [general.uri(WORKER), general.dns("a.evil.example")],
    false,
  ],
  "a URI without a host under a URI constraint": [
    { permitted: [uriOf("example.org")] },
    [general.uri("urn:a:b")],
    false,
  ],
  "a name form that nobody constrains": [
    { permitted: [general.dns("example.org")] },
    [general.uri(WORKER)],
    true,
  ],
  "a form we cannot judge, constrained": [
    { excluded: [general.other()] },
    [general.uri(WORKER), general.other()],
    false,
  ],
  "a form we cannot judge, constrained but absent": [
    { excluded: [general.other()] },
    [general.uri(WORKER)],
    true,
  ],
  "an address in a permitted range": [
    { permitted: [general.ip(10, 0, 0, 0, 255, 0, 0, 0)] },
    [general.uri(WORKER), general.ip(10, 9, 8, 7)],
    true,
  ],
  "an address of the other family than permitted": [
    { permitted: [general.ip(10, 0, 0, 0, 255, 0, 0, 0)] },
    [general.uri(WORKER), general.ip(...new Array(16).fill(1))],
    false,
  ],
  "a range whose mask has gaps": [
    { permitted: [general.ip(10, 0, 0, 0, 255, 0, 255, 0)] },
    [general.uri(WORKER)],
    false,
  ],
  "a subject that is permitted": [
    { permitted: [general.directory("PEER")] },
    [general.uri(WORKER)],
    true,
  ],
  "a subject that is excluded": [
    { excluded: [general.directory("peer")] },
    [general.uri(WORKER)],
    false,
  ],
  "a wildcard that covers what is excluded": [
    { excluded: [general.dns("a.example.org")] },
    [general.uri(WORKER), general.dns("*.example.org")],
    false,
  ],
  "a wildcard wider than what is permitted": [
    { permitted: [general.dns("a.example.org")] },
    [general.uri(WORKER), general.dns("*.example.org")],
    false,
  ],
};

for (const [what, [constraints, names, within]] of Object.entries(CONSTRAINTS)) {
  Deno.test(`judgePeer() ${within ? "allows" : "refuses"} ${what}`, () => {
    const between = forge({ subject: "between", authority: true, issuer: root, constraints });
    const chain = [leaf({ issuer: between, names }), between];
    const verdict = judge(chain, { expected: [WORKER, "uri:urn:a:b"] });
    assert.equal(verdict.trusted, within, JSON.stringify(verdict));
    if (!verdict.trusted) assert.equal(verdict.reason, "certificate-unsuitable");
  });
}
