import type { PeerReason } from "../errors/mod.ts";
import { type Certificate, spiffeIdOf } from "./certificate/certificate.ts";
import { commonNameFault } from "./common_name.ts";
import { knownCertificates } from "./certificate/known_certificates.ts";
import { Denylist } from "./denylist.ts";
import { ATTRIBUTE, valuesOf } from "./certificate/distinguished_name.ts";
import { evidenceOf } from "./evidence.ts";
import { knownVerdict, rememberVerdict } from "./known_verdicts.ts";
import type { PeerQuestion, Refused, Trusted, Verdict } from "./peer_question.ts";
import type { IdentityPattern } from "./names/identity_pattern.ts";
import {
  DEFAULT_VERDICT_LIMITS,
  SHARE_FOR_A_REASON,
  SHARE_WITH_AUTHORITIES,
  type VerdictLimits,
} from "./path/limits.ts";
import { matchNames, type NameMatch, type ProvenNames } from "./name_match.ts";
import { type PathFault, unsuitable } from "./path/path_fault.ts";
import { decidedAtOnce, type Steps } from "./path/check.ts";
import { isCommonNamePermitted } from "./path/constraint_rules.ts";
import { svidFault } from "./path/leaf_rules.ts";
import type { Path } from "./path/path_rules.ts";
import { type ChainFault, readChain } from "./path/presented_chain.ts";
import { provePath } from "./path/proven_path.ts";
import { Work } from "./certificate/work.ts";
import { formatGeneralName, presentedNames, summarize } from "./certificate/summary.ts";

/**
 * Decides whether a presented chain (leaf first, DER) is a peer we trust under a name we expect.
 *
 * Never throws, whatever the chain holds, and costs no more than its limits. A resumed session, or
 * a connection that lives while trust changes, is judged by asking again with its restored chain.
 *
 * One reason is given where several apply, the one that is of most use: what cannot be read comes
 * first; then a chain that leads to no anchor, or is not signed as it says, is
 * `untrusted-authority` whatever else it is; only of a chain that an anchor did sign are dates and
 * purposes reported (the leaf's before its issuers'), then the denylist, then the name.
 */
export function judgePeer(chain: readonly Uint8Array[], question: PeerQuestion): Verdict {
  return decidedAtOnce(judging(chain, question));
}

/** As {@linkcode judgePeer}, in steps of at most one signature check each. */
export function* judging(
  chain: readonly Uint8Array[],
  question: PeerQuestion,
): Steps<Verdict> {
  const known = knownVerdict(chain, question);
  if (known !== undefined) return known;
  const { anchors } = question;
  const limits = { ...DEFAULT_VERDICT_LIMITS, ...question.limits };
  const work = question.work ?? workOf(limits, question.onlyReason);
  const read = readChain(chain, anchors, limits, work);
  if (read.kind === "fault") return refusal(read, question);
  const { leaf, others } = read;
  const seen = { leaf, indexOf: (one: Certificate) => one === leaf ? 0 : others.indexOf(one) };
  const asksSpiffeId = question.expected.some(({ kind }) => kind === "spiffe" || kind === "any");
  const proof = yield* provePath(leaf, others, limits, { ...question, asksSpiffeId, work });
  if (proof.kind === "fault") return refusal(proof, question, seen);
  const { path } = proof;
  const fault = denial(path, question.denylist ?? Denylist.empty);
  if (fault !== undefined) return refusal({ fault }, question, seen);
  const verdict = judgeNames(path, question, work, seen);
  if (verdict.trusted) {
    // The last is an anchor, which is known.
    path.slice(0, -1).forEach((one) => knownCertificates.add(one));
    if (proof.isFirst) rememberVerdict(chain, question, verdict);
  }
  return verdict;
}

/** The work of one verdict; whatever its share is, all that is done stays below one bound. */
export function workOf({ work }: Pick<VerdictLimits, "work">, onlyReason = false): Work {
  const share = onlyReason ? SHARE_FOR_A_REASON : 1;
  return new Work(share * work, (SHARE_WITH_AUTHORITIES - share) * work);
}

/** What a refused client receives: it does not learn which names would be allowed. */
export function peerReasonOf({ reason }: Refused): PeerReason {
  return reason === "identity-mismatch" ? "subject-not-allowed" : reason;
}

function denial(path: Path, denylist: Denylist): PathFault | undefined {
  for (const certificate of path) {
    const entry = denylist.entryAgainst(certificate);
    if (entry !== undefined) {
      const found = `${entry} is on the denylist`;
      return { reason: "certificate-denied", rule: "denylist", found, certificate };
    }
  }
  return undefined;
}

function judgeNames(
  path: Path,
  question: PeerQuestion,
  work: Work,
  seen: Seen,
): Verdict {
  const proven = provenNames(path, question, work);
  for (const pattern of question.expected) {
    if (!work.allows("comparison", 1 + proven.names.length)) {
      const found = "comparing its names with those expected takes more work than a verdict may";
      const fault = unsuitable(path[0]!, "path.work", found);
      return refusal({ fault }, question, seen);
    }
    const match = matchNames(pattern, proven);
    if (match === undefined) continue;
    const strict = question.mode === "strict" || question.anchors.isPublic(path.at(-1)!);
    const fault = strict ? commonNameFault(path[0]!, match, question.role) : undefined;
    if (fault !== undefined) return refusal({ fault }, question, seen);
    return accepted(path, proven, match, pattern);
  }
  const fault = mismatch(path[0]!);
  return refusal({ fault }, question, seen);
}

function provenNames(path: Path, { role, anchors }: PeerQuestion, work: Work): ProvenNames {
  const leaf = path[0]!;
  const anchor = path[path.length - 1]!;
  // Proven under another name, it still bears no SPIFFE ID that an SVID may not bear (X509-SVID §2).
  const spiffeId = svidFault(leaf) === undefined ? spiffeIdOf(leaf) : undefined;
  const claimed = (leaf.extensions.subjectAlternativeNames ?? [])
    .filter((name) => name.kind !== "uri" || name.spiffeId === undefined || spiffeId !== undefined);
  // An anchor that was given for a trust domain says nothing about the hosts in it.
  const names = path.every((one) => anchors.vouchesForHosts(one, anchor))
    ? claimed
    : claimed.filter((name) => name.kind === "uri" && name.spiffeId !== undefined);
  const [commonName, ...more] = valuesOf(leaf.subject, ATTRIBUTE.commonName);
  const named = role === "client" && commonName !== undefined && more.length === 0 &&
    anchors.vouchesForCommonNames(anchor) &&
    path.every((one) => anchors.vouchesForHosts(one, anchor)) &&
    isCommonNamePermitted(path, commonName, work);
  return {
    names,
    spiffeId,
    local: spiffeId !== undefined && anchors.isLocal(spiffeId.trustDomain),
    commonName: named ? commonName : undefined,
  };
}

function accepted(
  path: Path,
  { names, spiffeId, commonName }: ProvenNames,
  match: NameMatch,
  matched: IdentityPattern,
): Trusted {
  const leaf = path[0]!;
  const all = new Set([match.name, ...names.map(formatGeneralName)]);
  return {
    trusted: true,
    // All connections of a peer that is known share it, and policies and routines read it.
    identity: Object.freeze({
      ...match,
      names: Object.freeze([...all]),
      spiffeId,
      commonName,
      certificate: summarize(leaf),
      fingerprint: leaf.fingerprint,
    }),
    // The last second is valid to its end.
    validUntil: Math.min(...path.map(({ notAfter }) => notAfter)) + 999,
    path,
    matched,
  };
}

function mismatch(leaf: Certificate): PathFault {
  const presented = presentedNames(leaf);
  return {
    reason: "identity-mismatch",
    rule: presented.length === 0 ? "name.none" : "name.no-match",
    found: presented.length === 0
      ? "it presents no subject alternative name"
      : `it presents ${presented.join(", ")}`,
    certificate: leaf,
  };
}

/** What was read of a chain. */
interface Seen {
  readonly leaf: Certificate;
  indexOf(certificate: Certificate): number | undefined;
}

function refusal(
  { fault, orphan }: { readonly fault: ChainFault; readonly orphan?: Certificate },
  { anchors, expected, now }: PeerQuestion,
  seen?: Seen,
): Refused {
  const { reason, rule, found, certificate } = fault;
  const certificateIndex = fault.index ?? (certificate && seen?.indexOf(certificate));
  const finding = { reason, rule, found, certificate, certificateIndex, orphan };
  const context = { anchors, expected, now, leaf: seen?.leaf };
  return { trusted: false, reason, rule, evidence: evidenceOf(finding, context) };
}
