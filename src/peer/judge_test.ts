/**
 * The verdict on the peer of a channel, with facts made by hand: what TLS says of a session is never enough,
 * least of all on a resumed one.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { forge, type Forged, OID } from "../../tests/support/forge.ts";
import { DAY, HOUR, leaf, root, trusting, WORKER } from "../../tests/support/judging.ts";
import type { TlsFacts } from "../channel/mod.ts";
import { Denylist, parsePatterns, type PeerQuestion, type PeerRole } from "../identity/mod.ts";
import { judgeChannel, judgeInTurns } from "./judge.ts";

const foreign = forge({ subject: "foreign", authority: true });
const peer = leaf();

/** What TLS reports of a channel on which everything went well. */
function factsOf(chain: readonly Forged[], differing: Partial<TlsFacts> = {}): TlsFacts {
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    keyExchange: "x25519",
    alpn: "h2",
    peerChain: chain.map(({ der }) => der),
    resumed: true,
    platformAuthorized: true,
    ...differing,
  };
}

function questionOf(role: PeerRole, differing: Partial<PeerQuestion> = {}): PeerQuestion {
  return {
    role,
    anchors: trusting(root),
    expected: parsePatterns([WORKER], { clients: role === "client" }),
    now: Date.now(),
    ...differing,
  };
}

/** Chains that were once accepted, or never, and why none of them is now. */
const RESUMED: readonly (readonly [string, readonly Forged[], Partial<PeerQuestion>, string])[] = [
  ["of a foreign authority", [forge({ issuer: foreign })], {}, "untrusted-authority"],
  ["that has expired", [peer], { now: Date.now() + 2 * HOUR }, "certificate-expired"],
  [
    "that is denied",
    [peer],
    { denylist: new Denylist({ spiffeIds: [WORKER] }) },
    "certificate-denied",
  ],
  [
    "that is no longer allowed",
    [peer],
    { expected: parsePatterns(["spiffe://example.org/other"]) },
    "identity-mismatch",
  ],
  [
    "whose authority was removed",
    [peer],
    { anchors: trusting(foreign) },
    "untrusted-authority",
  ],
  [
    "of a certificate that is not in force yet",
    [
      leaf({ notBefore: Date.now() + HOUR, notAfter: Date.now() + DAY }),
    ],
    {},
    "certificate-not-yet-valid",
  ],
];

for (const role of ["client", "server"] as const) {
  for (const [what, chain, asked, reason] of RESUMED) {
    Deno.test(`judgeChannel() refuses a resumed session of a ${role} ${what}, whatever the platform says`, () => {
      for (const platformAuthorized of [true, false]) {
        const facts = factsOf(chain, { platformAuthorized });
        const verdict = judgeChannel(facts, questionOf(role, asked));
        assert.ok(!verdict.trusted);
        assert.equal(verdict.reason, reason);
        const reported = role === "client" && reason === "identity-mismatch"
          ? "subject-not-allowed"
          : reason;
        assert.equal(verdict.peerReason, reported);
      }
    });
  }

  Deno.test(`judgeChannel() accepts a resumed session of a ${role} that is still trusted, without the platform`, () => {
    const facts = factsOf([peer], { platformAuthorized: false, platformCode: "ANY" });
    assert.ok(judgeChannel(facts, questionOf(role)).trusted);
  });

  Deno.test(`judgeChannel() refuses a ${role} that presents no certificate, resumed or not`, () => {
    for (const resumed of [true, false]) {
      const verdict = judgeChannel(factsOf([], { resumed }), questionOf(role));
      assert.ok(!verdict.trusted);
      assert.equal(verdict.evidence.rule, "certificate.absent");
    }
  });
}

Deno.test("judgeChannel() accepts a fresh handshake with a server only where the platform agrees", () => {
  const fresh = { resumed: false };
  assert.ok(judgeChannel(factsOf([peer], fresh), questionOf("server")).trusted);
  const disagreeing = { ...fresh, platformAuthorized: false, platformCode: "ANY" };
  const verdict = judgeChannel(factsOf([peer], disagreeing), questionOf("server"));
  assert.ok(!verdict.trusted);
  assert.equal(verdict.evidence.rule, "platform.refused");
  assert.equal(verdict.evidence.code, "ANY");
});

Deno.test("judgeChannel() asks nothing of the platform about a client, whose authorities it is not given", () => {
  for (const platformAuthorized of [true, false]) {
    const facts = factsOf([peer], { resumed: false, platformAuthorized });
    assert.ok(judgeChannel(facts, questionOf("client")).trusted);
  }
});

for (const namedCurve of ["P-256", "P-384"]) {
  Deno.test(`judgeInTurns() trusts what an anchor of ${namedCurve} has signed, and nothing in its name`, async () => {
    const authority = () =>
      forge({
        subject: "top",
        authority: true,
        keys: generateKeyPairSync("ec", { namedCurve }),
      });
    const top = authority();
    const judged = (issuer: Forged) => {
      const chain = [forge({ issuer, without: [OID.authorityKeyIdentifier] })];
      const question = questionOf("client", { anchors: trusting(top) });
      return judgeInTurns(factsOf(chain), question, () => true);
    };
    assert((await judged(top)).trusted);
    const verdict = await judged(authority());
    assert.equal(verdict.trusted ? "trusted" : verdict.evidence.rule, "path.signature");
  });
}
