/** Certificates whose names would make a wrong identity of them if one name were judged without the others. */
import assert from "node:assert/strict";
import { forge, general } from "../../tests/support/forge.ts";
import {
  judge,
  leaf,
  named,
  read,
  refused,
  root,
  trusting,
  WORKER,
} from "../../tests/support/judging.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { matchesPeer } from "./name_match.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";

const HOST = "worker.pool.internal";
const OTHER = "spiffe://example.org/other";

Deno.test("a peer that is proven by its host name has no SPIFFE ID that an SVID may not bear", () => {
  const odd = [
    [general.uri(WORKER), general.uri(OTHER)],
    [general.uri(WORKER), general.uri("https://example.org")],
    [general.uri(WORKER), general.uri("no-uri")],
    [general.uri(WORKER), general.uri("spiffe://Example.org/worker")],
    [general.uri("spiffe://example.org")],
  ];
  for (const uris of odd) {
    const peer = leaf({ names: [general.dns(HOST), ...uris] });
    assert.equal(refused(judge([peer])).reason, "certificate-unsuitable");
    const verdict = judge([peer], { expected: HOST });
    assert(verdict.trusted);
    const { identity } = verdict;
    assert.equal(identity.spiffeId, undefined);
    // What a policy asks of a connection that `allow` has let in.
    for (const pattern of [WORKER, OTHER, "spiffe://example.org/**"]) {
      assert.equal(matchesPeer(parsePattern(pattern), identity), false, pattern);
    }
    assert.deepEqual(identity.names.filter((name) => name.startsWith("spiffe:")), []);
  }
  const svid = judge([leaf({ names: [general.dns(HOST), general.uri(WORKER)] })], {
    expected: HOST,
  });
  assert(svid.trusted);
  assert.equal(svid.identity.spiffeId?.text, WORKER);
});

Deno.test("an authority that names another trust domain after ours vouches for neither", () => {
  for (const second of ["spiffe://partner.org", "spiffe://Partner.org", "SPIFFE://partner.org"]) {
    const names = [general.uri("spiffe://example.org"), general.uri(second)];
    const between = forge({ subject: "between", authority: true, issuer: root, names });
    const { rule } = refused(judge([leaf({ issuer: between }), between]));
    assert.equal(rule, "path.trust-domain", second);
  }
});

Deno.test("an authority whose SPIFFE ID is misspelt is not held to no domain, but vouches for none", () => {
  const names = [general.uri("spiffe://Partner.org/")];
  const between = forge({ subject: "between", authority: true, issuer: root, names });
  const { rule, evidence } = refused(judge([leaf({ issuer: between }), between]));
  assert.equal(rule, "path.trust-domain");
  assert.match(evidence.found ?? "", /spiffe:\/\/Partner\.org\//);
  const host = leaf({ issuer: between, names: [general.dns(HOST)] });
  assert(judge([host, between], { expected: HOST }).trusted);
});

Deno.test("an anchor whose SPIFFE ID is misspelt is no root of our own domain, unless it is given for it", () => {
  const names = [general.uri("spiffe://Example.org")];
  const odd = forge({ subject: "odd", authority: true, names });
  const [peer] = [named(WORKER, odd)];
  assert.equal(refused(judge([peer], { anchors: trusting(odd, root) })).rule, "path.trust-domain");
  const ours = new TrustAnchors({ bundle: [read(odd)], localDomain: "example.org" });
  assert.equal(refused(judge([peer], { anchors: ours })).rule, "path.trust-domain");
  const host = forge({ issuer: odd, names: [general.dns(HOST)] });
  assert(judge([host], { anchors: ours, expected: HOST }).trusted);
  // Also where a root of ours has signed it.
  const crossed = forge({ subject: "odd", authority: true, issuer: root, keys: odd.keys });
  const anchors = trusting(root, odd);
  assert.equal(refused(judge([peer, crossed], { anchors })).rule, "path.trust-domain");
  const given = new TrustAnchors({ domains: new Map([["example.org", [read(odd)]]]) });
  assert(judge([peer], { anchors: given }).trusted);
});

Deno.test("an authority that bears a workload's SPIFFE ID after a domain's is refused", () => {
  const names = [general.uri("spiffe://example.org"), general.uri(OTHER)];
  const between = forge({ subject: "between", authority: true, issuer: root, names });
  assert.equal(refused(judge([leaf({ issuer: between }), between])).rule, "svid.authority");
});

Deno.test("a peer whose SPIFFE ID stands among other URIs is proven under one of those, without the ID", () => {
  const peer = leaf({ names: [general.uri(WORKER), general.uri("kuma://version/1")] });
  const verdict = judge([peer], { expected: "uri:kuma://version/1" });
  assert(verdict.trusted);
  assert.equal(verdict.identity.spiffeId, undefined);
  assert.deepEqual(verdict.identity.names, ["uri:kuma://version/1"]);
  assert.equal(refused(judge([peer], { expected: WORKER })).rule, "san.several-uris");
  assert.equal(refused(judge([peer], { expected: "*" })).rule, "san.several-uris");
});

Deno.test("a strict verdict asks of a pinned leaf what it asks of others: no SPIFFE ID among other URIs", () => {
  const pinned = forge({ names: [general.dns(HOST), general.uri(WORKER), general.uri(OTHER)] });
  const anchors = new TrustAnchors({ bundle: [read(pinned)] });
  assert(judge([pinned], { anchors, expected: HOST }).trusted);
  const strict = refused(judge([pinned], { anchors, expected: HOST, mode: "strict" }));
  assert.equal(strict.rule, "san.several-uris");
});
