import assert from "node:assert/strict";
import { forge, general, newKeys, OID } from "../../tests/support/forge.ts";
import {
  DAY,
  HOUR,
  judge,
  leaf,
  read,
  refused,
  root,
  trustedName,
  trusting,
  WORKER,
} from "../../tests/support/judging.ts";
import { Denylist } from "./denylist.ts";
import { peerReasonOf } from "./verdict.ts";

const foreign = forge({ subject: "foreign", authority: true });

Deno.test("judgePeer() trusts a leaf of an anchor under the name it has", () => {
  const verdict = judge([leaf()]);
  assert(verdict.trusted);
  assert.equal(verdict.identity.name, WORKER);
  assert.equal(verdict.identity.spiffeId?.trustDomain, "example.org");
  assert.equal(verdict.matched.text, WORKER);
  assert.equal(verdict.path.length, 2);
  assert.deepEqual(verdict.path[1]?.der, root.der);
});

Deno.test("judgePeer() is valid until the first certificate of the path ends", () => {
  const soon = Math.floor(Date.now() / 1000) * 1000 + 60_000;
  const between = forge({ subject: "between", authority: true, issuer: root, notAfter: soon });
  const verdict = judge([leaf({ issuer: between }), between]);
  assert(verdict.trusted);
  assert.equal(verdict.validUntil, soon + 999);
});

Deno.test("judgePeer() trusts a chain that brings its root along, and one in any order", () => {
  const a = forge({ subject: "a", authority: true, issuer: root });
  const b = forge({ subject: "b", authority: true, issuer: a });
  const peer = leaf({ issuer: b });
  assert(judge([peer, b, a, root]).trusted);
  assert(judge([peer, a, root, b]).trusted);
});

Deno.test("judgePeer() finds the way through cross-signed authorities", () => {
  const keys = newKeys();
  const crossed = forge({ subject: "ca", authority: true, issuer: foreign, keys });
  const ours = forge({ subject: "ca", authority: true, issuer: root, keys });
  const peer = leaf({ issuer: ours });
  assert(judge([peer, crossed, ours]).trusted);
  assert(judge([peer, crossed, ours], { anchors: trusting(foreign) }).trusted);
  assert.equal(refused(judge([peer, crossed])).rule, "path.no-issuer");
});

Deno.test("judgePeer() trusts an anchor that is cross-signed by a stranger, as an anchor", () => {
  const keys = newKeys();
  const anchor = forge({ subject: "ca", authority: true, keys });
  const crossed = forge({ subject: "ca", authority: true, issuer: foreign, keys });
  assert(judge([leaf({ issuer: anchor }), crossed], { anchors: trusting(anchor) }).trusted);
});

Deno.test("judgePeer() passes over what is presented and no path needs, whatever it is", () => {
  const strays = [Uint8Array.of(1, 2, 3), Uint8Array.of(0x30), ...new Array(8).fill(foreign)];
  assert(judge([leaf(), ...strays]).trusted);
});

Deno.test("judgePeer() counts no self-issued authority against a path length", () => {
  const a = forge({ subject: "a", authority: true, issuer: root, pathLength: 0 });
  const again = forge({ subject: "a", authority: true, issuer: a, pathLength: 0 });
  assert(judge([leaf({ issuer: again }), again, a]).trusted);
});

Deno.test("judgePeer() heeds the limit of authorities", () => {
  const a = forge({ subject: "a", authority: true, issuer: root });
  const chain = [leaf({ issuer: a }), a];
  assert(judge(chain, { limits: { intermediates: 1 } }).trusted);
  assert.equal(refused(judge(chain, { limits: { intermediates: 0 } })).rule, "path.intermediates");
});

Deno.test("judgePeer() reports for how long a peer of a trusted authority has been expired", () => {
  const end = Math.floor(Date.now() / 1000) * 1000;
  const old = leaf({ notBefore: end - DAY, notAfter: end });
  assert(judge([old], { now: end + 999 }).trusted);
  const { reason, evidence } = refused(judge([old], { now: end + 120_000 }));
  assert.equal(reason, "certificate-expired");
  assert.equal(evidence.clockOffBySeconds, -120);
  assert.equal(evidence.certificateIndex, 0);
  assert.equal(evidence.certificate?.notAfter, new Date(end).toISOString());
});

Deno.test("judgePeer() does not blame the clock for what a clock cannot explain", () => {
  const old = leaf({ notBefore: Date.now() - 10 * DAY, notAfter: Date.now() - 5 * DAY });
  assert.equal(refused(judge([old])).evidence.clockOffBySeconds, undefined);
});

Deno.test("judgePeer() reports a peer that is not valid yet, to the millisecond", () => {
  const begin = Math.floor(Date.now() / 1000) * 1000 + 60_000;
  const early = leaf({ notBefore: begin });
  const { reason, evidence } = refused(judge([early], { now: begin - 1 }));
  assert.equal(reason, "certificate-not-yet-valid");
  assert.equal(evidence.clockOffBySeconds, 1);
  assert(judge([early], { now: begin }).trusted);
});

Deno.test("judgePeer() refuses under an expired anchor, and an expired intermediate", () => {
  const dates = { notBefore: Date.now() - DAY, notAfter: Date.now() - HOUR };
  const old = forge({ subject: "old root", authority: true, ...dates });
  const verdict = refused(judge([leaf({ issuer: old })], { anchors: trusting(old) }));
  assert.equal(verdict.reason, "certificate-expired");
  assert.equal(verdict.evidence.certificateIndex, undefined);
  const between = forge({ subject: "between", authority: true, issuer: root, ...dates });
  const under = refused(judge([leaf({ issuer: between }), between]));
  assert.deepEqual([under.reason, under.evidence.certificateIndex], ["certificate-expired", 1]);
});

Deno.test("judgePeer() judges the purpose by the peer's role", () => {
  const client = leaf({ purposes: [OID.clientAuth] });
  assert(judge([client], { role: "client" }).trusted);
  assert.equal(refused(judge([client], { role: "server" })).rule, "leaf.purpose");
});

Deno.test("judgePeer() says which names were expected and which are there", () => {
  const { reason, rule, evidence } = refused(
    judge([leaf()], { expected: ["dns:a.b", "10.0.0.1"] }),
  );
  assert.deepEqual([reason, rule], ["identity-mismatch", "name.no-match"]);
  assert.deepEqual(evidence.expected, ["dns:a.b", "10.0.0.1"]);
  assert.deepEqual(evidence.presented, [WORKER]);
});

Deno.test("judgePeer() never falls back to the common name of a server", () => {
  const peer = leaf({ subject: "worker.pool.internal", names: [] });
  assert.equal(refused(judge([peer], { expected: "worker.pool.internal" })).rule, "name.none");
});

Deno.test("judgePeer() refuses a server whose common name is a host of its own only where it is strict", () => {
  const names = [general.dns("worker.pool.internal"), general.ip(10, 0, 0, 1)];
  const asked = { expected: "worker.pool.internal" };
  for (const subject of ["other.pool.internal", "Worker.pool.internal", "10.0.0.2", "0x0a000002"]) {
    const strict = { ...asked, mode: "strict" as const };
    assert.equal(refused(judge([leaf({ subject, names })], strict)).rule, "subject.common-name");
    assert(judge([leaf({ subject, names })], asked).trusted);
  }
  for (const subject of ["worker.pool.internal", "worker", "Worker 1.0 of pool", "10.0.0.1"]) {
    assert(judge([leaf({ subject, names })], asked).trusted);
  }
});

Deno.test("judgePeer() takes a client's common name only where a pattern asks for it", () => {
  const agent = leaf({ subject: "agent 7", names: [general.dns("agent.example")] });
  const asked = { role: "client" as const, expected: "cn:agent 7" };
  assert.equal(trustedName(judge([agent], asked)), "cn:agent 7");
  assert.equal(
    refused(judge([agent], { ...asked, expected: "cn:agent" })).reason,
    "identity-mismatch",
  );
});

Deno.test("peerReasonOf() gives a client that is not allowed no more than that", () => {
  const verdict = refused(
    judge([leaf()], { role: "client", expected: "spiffe://example.org/other" }),
  );
  assert.equal(peerReasonOf(verdict), "subject-not-allowed");
  assert.equal(peerReasonOf(refused(judge([forge()], { role: "client" }))), "untrusted-authority");
});

Deno.test("judgePeer() denies by SPIFFE ID, by serial and by key, authorities included", () => {
  const between = forge({
    subject: "between",
    authority: true,
    issuer: root,
    serial: [0x0a, 0xbc],
  });
  const peer = leaf({ issuer: between, serial: [0x77] });
  const deny = (denylist: Denylist) => judge([peer, between], { denylist });
  for (
    const entries of [
      { spiffeIds: [WORKER] },
      { serials: ["77"] },
      { serials: ["0A:BC"] },
      { spkiSha256: [read(between).publicKey.spkiSha256] },
    ]
  ) assert.equal(refused(deny(new Denylist(entries))).reason, "certificate-denied");
  assert(
    deny(new Denylist({ serials: ["78"], spiffeIds: ["spiffe://example.org/other"] })).trusted,
  );
});

Deno.test("judgePeer() answers anew when trust, the clock or the denylist changed", () => {
  const peer = leaf();
  const anchors = trusting(root);
  assert(judge([peer], { anchors }).trusted);
  assert.equal(
    refused(judge([peer], { anchors: trusting(foreign) })).reason,
    "untrusted-authority",
  );
  const later = Date.now() + 2 * HOUR;
  assert.equal(refused(judge([peer], { anchors, now: later })).reason, "certificate-expired");
  const denylist = new Denylist({ spiffeIds: [WORKER] });
  assert.equal(refused(judge([peer], { anchors, denylist })).reason, "certificate-denied");
  assert.equal(
    refused(judge([peer], { anchors, expected: "spiffe://example.org/b" })).reason,
    "identity-mismatch",
  );
});

Deno.test("judgePeer() checks a signature once a generation", () => {
  const peer = leaf();
  const anchors = trusting(root);
  // Room for reading, and for no check.
  const none = { limits: { work: 200 } };
  assert.equal(refused(judge([peer], { anchors, ...none })).rule, "path.work");
  assert(judge([peer], { anchors }).trusted);
  assert(judge([peer], { anchors, ...none }).trusted);
  assert.equal(
    refused(judge([peer], { anchors: trusting(root), ...none })).rule,
    "path.work",
  );
});

Deno.test("judgePeer() remembers no signature beyond its certificate's dates", () => {
  const peer = leaf({ notAfter: Date.now() + HOUR });
  const anchors = trusting(root);
  assert(judge([peer], { anchors }).trusted);
  const chain = [read(peer), read(root)] as const;
  assert(anchors.proven.has(...chain, Date.now()));
  assert(!anchors.proven.has(...chain, Date.now() + 2 * HOUR));
  assert(!anchors.proven.has(...chain, Date.now()));
});

Deno.test("judgePeer() gives up on a chain that takes more work than its limit", () => {
  const namesakes = Array.from({ length: 3 }, () => forge({ subject: "root", authority: true }));
  const a = forge({ subject: "a", authority: true, issuer: root });
  const chain = [leaf({ issuer: a }), a];
  const anchors = trusting(...namesakes, root);
  assert(judge(chain, { anchors }).trusted);
  const { rule } = refused(
    judge(chain, { anchors: trusting(...namesakes, root), limits: { work: 100 } }),
  );
  assert.equal(rule, "path.work");
});
