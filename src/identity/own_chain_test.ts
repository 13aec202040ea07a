/**
 * Our own chain is judged as peers judge it: over random mixtures of usages, names, constraints and trust domains, what
 * is found against it is what they refuse it for, under every name that they could expect.
 */
import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { read } from "../../tests/support/judging.ts";
import {
  anchorsOf,
  certificatesOf,
  type Situation,
  situation,
} from "../../tests/support/situations.ts";
import type { Certificate } from "./certificate/certificate.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { ownAnchor, ownChainFault, ownLeafFault } from "./own_chain.ts";
import type { VerdictMode } from "./path/advised.ts";
import type { PeerRole } from "./path/peer_role.ts";
import type { Refused } from "./peer_question.ts";
import { judgePeer } from "./verdict.ts";

const now = Date.now();

/** The names under which a peer could expect that leaf, as patterns. */
function patternsOf(leaf: Certificate, role: PeerRole): readonly string[] {
  const names = (leaf.extensions.subjectAlternativeNames ?? []).flatMap((name) => {
    if (name.kind === "dns") return [`dns:${name.name.replace("*", "any")}`];
    if (name.kind !== "uri") return [];
    return [name.spiffeId === undefined ? `uri:${name.uri}` : name.spiffeId.text];
  });
  return role === "client" ? [...names, "cn:peer"] : names;
}

/** What we find against our own chain, and what peers with the same settings make of it. */
function bothSides(one: Situation, mode: VerdictMode) {
  const { anchor, chain } = certificatesOf(one);
  const { role } = one;
  const anchors = anchorsOf(one, anchor);
  const [leaf, ...authorities] = chain.map(read) as [Certificate, ...Certificate[]];
  const question = { role, mode };
  const verdicts = patternsOf(leaf, role).map((text) =>
    judgePeer(chain.map(({ der }) => der), {
      role,
      anchors,
      mode,
      now,
      expected: [parsePattern(text, { clients: role === "client" })],
    })
  );
  const refusals = verdicts.filter((verdict): verdict is Refused => !verdict.trusted);
  return {
    fault: ownLeafFault(leaf, question) ?? ownChainFault([leaf, ...authorities], anchors, question),
    leads: ownAnchor([leaf, ...authorities], anchors, now, question) !== undefined,
    accepted: refusals.length < verdicts.length,
    unsuitable: verdicts.length > 0 && refusals.length === verdicts.length &&
      refusals.every(({ reason }) => reason === "certificate-unsuitable"),
  };
}

for (const mode of ["private", "strict"] as const) {
  Deno.test(`what is found against our own chain is what ${mode} peers refuse it for`, () => {
    const seen = { accepted: 0, unsuitable: 0 };
    fc.assert(
      fc.property(situation, (one) => {
        const { fault, leads, accepted, unsuitable } = bothSides(one, mode);
        if (accepted) {
          seen.accepted++;
          assert.equal(fault, undefined, `${fault?.rule}: ${fault?.found}`);
          assert(leads);
        }
        if (unsuitable) {
          seen.unsuitable++;
          assert(fault !== undefined);
          assert(!leads);
        }
      }),
      { numRuns: 150 },
    );
    assert(seen.accepted > 10 && seen.unsuitable > 10, JSON.stringify(seen));
  });
}
