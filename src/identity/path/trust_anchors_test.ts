import assert from "node:assert/strict";
import { forge, general } from "../../../tests/support/forge.ts";
import {
  judge,
  leaf,
  named,
  read,
  refused,
  root,
  trustedName,
  trusting,
  WORKER,
} from "../../../tests/support/judging.ts";
import { TrustAnchors, type TrustSources } from "./trust_anchors.ts";

const federated = forge({ subject: "partner root", authority: true });
const local: TrustSources = {
  bundle: [read(root)],
  domains: new Map([["example.org", [read(root)]], ["partner.org", [read(federated)]]]),
  localDomain: "example.org",
};

Deno.test("judgePeer() takes a SPIFFE ID only from an anchor of its trust domain", () => {
  const anchors = new TrustAnchors(local);
  const partner = "spiffe://partner.org/batch";
  assert.equal(trustedName(judge([named(WORKER, root)], { anchors })), WORKER);
  assert.equal(
    trustedName(judge([named(partner, federated)], { anchors, expected: partner })),
    partner,
  );
  for (const [id, issuer] of [[WORKER, federated], [partner, root]] as const) {
    const { reason, rule } = refused(judge([named(id, issuer)], { anchors, expected: id }));
    assert.deepEqual([reason, rule], ["untrusted-authority", "path.trust-domain"]);
  }
});

Deno.test("judgePeer() takes no host name from an anchor of a trust domain", () => {
  const anchors = new TrustAnchors(local);
  const host = forge({ issuer: federated, names: [general.dns("worker.pool.internal")] });
  const expected = "worker.pool.internal";
  assert.equal(refused(judge([host], { anchors, expected })).rule, "path.trust-domain");
  const both = forge({
    issuer: federated,
    names: [general.uri("spiffe://partner.org/batch"), general.dns("worker.pool.internal")],
  });
  assert.equal(refused(judge([both], { anchors, expected })).reason, "identity-mismatch");
  const verdict = judge([both], { anchors, expected: "spiffe://partner.org/*" });
  assert(verdict.trusted);
  assert.deepEqual(verdict.identity.names, ["spiffe://partner.org/batch"]);
});

Deno.test('judgePeer() means the local trust domain by "*"', () => {
  const anchors = new TrustAnchors(local);
  assert(judge([named(WORKER, root)], { anchors, expected: "*" }).trusted);
  const partner = named("spiffe://partner.org/batch", federated);
  assert.equal(refused(judge([partner], { anchors, expected: "*" })).reason, "identity-mismatch");
});

Deno.test('judgePeer() means anyone the bundle signed by "*" where we are in no trust domain', () => {
  const asked = { role: "client" as const, expected: "*" };
  assert.equal(trustedName(judge([leaf()], asked)), WORKER);
  assert.equal(trustedName(judge([leaf({ names: [general.dns("A.b")] })], asked)), "dns:a.b");
  assert.equal(
    trustedName(judge([leaf({ names: [general.ip(10, 0, 0, 1)] })], asked)),
    "ip:10.0.0.1",
  );
  assert.equal(trustedName(judge([leaf({ subject: "agent", names: [] })], asked)), "cn:agent");
});

Deno.test("judgePeer() holds an ordinary bundle to our own trust domain, once we have one", () => {
  const anchors = new TrustAnchors({ bundle: [read(root)], localDomain: "example.org" });
  const other = "spiffe://other.org/a";
  assert(judge([leaf()], { anchors }).trusted);
  const verdict = refused(judge([named(other, root)], { anchors, expected: other }));
  assert.equal(verdict.rule, "path.trust-domain");
});

Deno.test("judgePeer() holds an authority that bears a SPIFFE ID to its domain", () => {
  const bearing = forge({
    subject: "partner",
    authority: true,
    names: [general.uri("spiffe://partner.org")],
  });
  const anchors = trusting(root, bearing);
  const partner = "spiffe://partner.org/batch";
  assert(judge([named(partner, bearing)], { anchors, expected: partner }).trusted);
  assert.equal(refused(judge([named(WORKER, bearing)], { anchors })).rule, "path.trust-domain");
  const minted = judge([named(partner, root)], { anchors, expected: partner });
  assert.equal(refused(minted).rule, "path.trust-domain");
});

Deno.test("judgePeer() holds an intermediate that bears a SPIFFE ID to its domain", () => {
  const between = forge({
    subject: "between",
    authority: true,
    issuer: root,
    names: [general.uri("spiffe://partner.org")],
  });
  assert.equal(refused(judge([leaf({ issuer: between }), between])).rule, "path.trust-domain");
});

Deno.test("judgePeer() takes no SPIFFE ID and no common name from the public roots", () => {
  const anchors = new TrustAnchors({ publicRoots: [read(root)] });
  assert.equal(refused(judge([leaf()], { anchors })).rule, "path.trust-domain");
  const host = leaf({ subject: "agent", names: [general.dns("a.example")] });
  assert(judge([host], { anchors, expected: "a.example" }).trusted);
  const asked = { anchors, role: "client" as const, expected: "cn:agent" };
  assert.equal(refused(judge([host], asked)).reason, "identity-mismatch");
});
