import assert from "node:assert/strict";
import { general } from "../../tests/support/forge.ts";
import { judge, leaf, named, refused, root } from "../../tests/support/judging.ts";

const NAMES: readonly [pattern: string, san: Uint8Array, matches: boolean][] = [
  ["worker.pool.internal", general.dns("WORKER.pool.internal"), true],
  ["Worker.Pool.Internal", general.dns("worker.pool.internal"), true],
  ["worker.pool.internal", general.dns("*.pool.internal"), true],
  ["a.worker.pool.internal", general.dns("*.pool.internal"), false],
  ["pool.internal", general.dns("*.pool.internal"), false],
  ["pool.internal", general.dns("*.internal"), false],
  ["example.co.uk", general.dns("*.co.uk"), false],
  ["*.pool.internal", general.dns("a.pool.internal"), true],
  ["*.pool.internal", general.dns("*.pool.internal"), true],
  ["*.pool.internal", general.dns("a.b.pool.internal"), false],
  ["*.pool.internal", general.dns("xpool.internal"), false],
  ["*.pool.internal", general.dns("pool.internal"), false],
  ["a.*.internal", general.dns("a.pool.internal"), true],
  ["10.0.0.1", general.ip(10, 0, 0, 1), true],
  ["10.0.0.1", general.ip(10, 0, 0, 2), false],
  ["::1", general.ip(...new Array(15).fill(0), 1), true],
  ["dns:10.example", general.ip(10, 0, 0, 1), false],
  ["uri:urn:pool:a", general.uri("urn:pool:a"), true],
  ["uri:urn:pool:a", general.uri("urn:pool:ab"), false],
  ["uri:https://a.example/b/*", general.uri("https://a.example/b/c"), true],
  ["uri:https://a.example/b/*", general.uri("https://a.example/b/c/d"), false],
  ["uri:https://a.example/b/*", general.uri("https://a.example/b/"), false],
  ["uri:https://a.example/b/*", general.uri("https://a.example/b/c?d"), false],
  ["uri:https://a.example/b/c?d", general.uri("https://a.example/b/c?d"), true],
  ["uri:https://a.example/b/**", general.uri("https://a.example/b/c/d"), true],
  ["uri:https://a.example/b/**", general.uri("https://a.example/b/../c"), false],
  ["uri:https://a.example/b", general.uri("https://a.example.evil/b"), false],
];

for (const [expected, san, matches] of NAMES) {
  const text = new TextDecoder("latin1").decode(san.subarray(2));
  Deno.test(`judgePeer() ${matches ? "matches" : "does not match"} ${expected} with ${text}`, () => {
    assert.equal(judge([leaf({ names: [san] })], { expected }).trusted, matches);
  });
}

const SPIFFE: readonly [pattern: string, path: string, matches: boolean][] = [
  ["ns/*/sa/batch", "ns/a/sa/batch", true],
  ["ns/*/sa/batch", "ns/a/b/sa/batch", false],
  ["ns/**/sa/batch", "ns/a/b/sa/batch", true],
  ["ns/**/sa/batch", "ns/sa/batch", true],
  ["**", "a/b/c", true],
  ["*", "a/b", false],
  ["a/*", "a", false],
  ["a/**", "a", true],
  ["**/b", "a/b/b", true],
  ["**/b", "a/b/c", false],
  ["work", "worker", false],
];

for (const [pattern, path, matches] of SPIFFE) {
  Deno.test(`judgePeer() ${matches ? "matches" : "does not match"} ${pattern} with ${path}`, () => {
    const peer = named(`spiffe://example.org/${path}`, root);
    const expected = `spiffe://example.org/${pattern}`;
    assert.equal(judge([peer], { expected }).trusted, matches);
  });
}

Deno.test("judgePeer() matches no pattern of another trust domain", () => {
  assert.equal(
    refused(judge([leaf()], { expected: "spiffe://example.org.evil/**" })).reason,
    "identity-mismatch",
  );
});

Deno.test("judgePeer() proves the name that was asked for, under a wildcard certificate", () => {
  const peer = leaf({ names: [general.dns("*.pool.internal")] });
  const verdict = judge([peer], { expected: "worker.pool.internal" });
  assert(verdict.trusted);
  assert.deepEqual(verdict.identity.names, ["dns:worker.pool.internal", "dns:*.pool.internal"]);
});
