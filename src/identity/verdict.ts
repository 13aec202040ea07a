import type { CertificateReason, HandshakeEvidence, PeerReason } from "../errors/mod.ts";
import { type Certificate, isSelfIssued, parseCertificate, spiffeIdOf } from "./certificate.ts";
import { isCertificateFault } from "./certificate_fault.ts";
import { commonNameFault } from "./common_name.ts";
import { Denylist } from "./denylist.ts";
import { ATTRIBUTE, formatName, valuesOf } from "./distinguished_name.ts";
import { evidenceOf } from "./evidence.ts";
import type { IdentityPattern } from "./identity_pattern.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "./limits.ts";
import { matchNames, type NameMatch, type ProvenNames } from "./name_match.ts";
import type { PathFault } from "./path_fault.ts";
import { type Path, pathFault } from "./path_rules.ts";
import { PathSearch } from "./path_search.ts";
import type { PeerIdentity } from "./peer_identity.ts";
import type { PeerRole } from "./peer_role.ts";
import { SignatureChecks } from "./signature.ts";
import { formatGeneralName, presentedNames, summarize } from "./summary.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** What is asked about a presented chain. */
export interface PeerQuestion {
  /** What the peer is in this connection. */
  readonly role: PeerRole;
  /** Whom we trust. */
  readonly anchors: TrustAnchors;
  /** The names that are expected (a dispatcher's `identity`) or allowed (a worker's `allow`): any of them. */
  readonly expected: readonly IdentityPattern[];
  /** Our clock, milliseconds since the epoch. */
  readonly now: number;
  /** Peers that are refused although all else is well. Default: none. */
  readonly denylist?: Denylist;
  /** What the verdict may cost. Default: {@linkcode DEFAULT_VERDICT_LIMITS}. */
  readonly limits?: Partial<VerdictLimits>;
}

/** A peer that is who it should be. */
export interface Trusted {
  /** Tells the two answers apart. */
  readonly trusted: true;
  /** Who the peer is. */
  readonly identity: PeerIdentity;
  /** The last millisecond at which the whole path is valid. */
  readonly validUntil: number;
  /** The certificates from the leaf to the anchor, both included. */
  readonly path: readonly Certificate[];
  /** Which entry of `expected` matched. */
  readonly matched: IdentityPattern;
}

/** A peer that is not, and why. */
export interface Refused {
  /** Tells the two answers apart. */
  readonly trusted: false;
  /** The word of the vocabulary; what a refused client is told is {@linkcode peerReasonOf}. */
  readonly reason: CertificateReason;
  /** The broken rule, a stable word such as `path.signature`; also in the evidence. */
  readonly rule: string;
  /** What was found, for a person to act on. */
  readonly evidence: HandshakeEvidence;
}

/** The answer to a {@linkcode PeerQuestion}. */
export type Verdict = Trusted | Refused;

/**
 * Decides whether a presented chain (leaf first, DER) is a peer we trust under a name we expect.
 *
 * Never throws, whatever the chain holds, and costs no more than its limits. A resumed session, or
 * a connection that lives while trust changes, is judged by asking again with its restored chain.
 *
 * One reason is given where several apply, the one that is of most use: what cannot be read comes
 * first; then a chain that leads to no anchor, or is not signed as it says, is
 * `untrusted-authority` whatever else it is; only of a chain that an anchor did sign are dates and
 * purposes told (the leaf's before its issuers'), then the denylist, then the name.
 */
export function judgePeer(chain: readonly Uint8Array[], question: PeerQuestion): Verdict {
  const limits = { ...DEFAULT_VERDICT_LIMITS, ...question.limits };
  const reading = readChain(chain, limits);
  if (reading.kind === "unread") return refusal(reading, question, reading.certificates);
  const { leaf, certificates } = reading;
  const search = findPath(leaf, certificates, limits, question);
  if (search.kind === "fault") return refusal(search, question, certificates);
  const { path } = search;
  const fault = denial(path, question.denylist ?? Denylist.empty);
  if (fault !== undefined) return refusal({ fault }, question, certificates);
  return judgeNames(path, question, certificates);
}

/** What a client that was refused is told; nobody learns from it which names would be allowed. */
export function peerReasonOf({ reason }: Refused): PeerReason {
  return reason === "identity-mismatch" ? "subject-not-allowed" : reason;
}

type ChainReading =
  | {
    readonly kind: "read";
    readonly leaf: Certificate;
    readonly certificates: readonly Certificate[];
  }
  | {
    readonly kind: "unread";
    readonly fault: Fault;
    readonly certificates: readonly Certificate[];
  };

/** A path's fault, or one of a certificate that could not be read. */
type Fault = Omit<PathFault, "certificate"> & {
  readonly certificate?: Certificate;
  readonly index?: number;
};

function readChain(chain: readonly Uint8Array[], limits: VerdictLimits): ChainReading {
  const certificates: Certificate[] = [];
  const unread = (rule: string, found: string, index?: number): ChainReading => {
    const fault = { reason: "certificate-unsuitable" as const, rule, found };
    return {
      kind: "unread",
      fault: index === undefined ? fault : { ...fault, index },
      certificates,
    };
  };
  const bytes = chain.reduce((sum, { length }) => sum + length, 0);
  if (chain.length > limits.certificates) {
    return unread("chain.certificates", `it presents ${chain.length} certificates`);
  }
  if (bytes > limits.chainBytes) return unread("chain.bytes", `it presents ${bytes} bytes`);
  for (const [index, der] of chain.entries()) {
    const certificate = parseCertificate(der);
    if (isCertificateFault(certificate)) {
      return unread(certificate.rule, certificate.found, index);
    }
    certificates.push(certificate);
  }
  const [leaf] = certificates;
  if (leaf === undefined) return unread("chain.empty", "it presents no certificate");
  return { kind: "read", leaf, certificates };
}

type PathFinding =
  | { readonly kind: "path"; readonly path: Path }
  | { readonly kind: "fault"; readonly fault: Fault; readonly orphan?: Certificate };

function findPath(
  leaf: Certificate,
  certificates: readonly Certificate[],
  limits: VerdictLimits,
  { role, anchors, now }: PeerQuestion,
): PathFinding {
  const checks = new SignatureChecks(limits.signatureChecks, anchors.proven, now);
  const search = new PathSearch(anchors, certificates, limits);
  const rules = { role, anchors, now, budget: { remaining: limits.nameComparisons } };
  const faulty: { readonly path: Path; readonly fault: PathFault }[] = [];
  let forged: Certificate | undefined;
  for (const path of search.from(leaf)) {
    const fault = pathFault(path, rules);
    if (fault !== undefined) {
      faulty.push({ path, fault });
      continue;
    }
    const unproven = checks.firstUnproven(path);
    if (unproven === undefined) {
      checks.remember(path);
      return { kind: "path", path };
    }
    forged ??= unproven;
  }
  // A rule is worth telling only of a path that is signed; else anybody could have written it.
  for (const { path, fault } of faulty) {
    const unproven = checks.firstUnproven(path);
    if (unproven === undefined || isUnprovable(fault, leaf)) return { kind: "fault", fault };
    forged ??= unproven;
  }
  return noPath(leaf, forged, search, checks);
}

// What nobody here can check is refused by its name, not as a forgery.
function isUnprovable({ rule, certificate }: PathFault, leaf: Certificate): boolean {
  return rule === "certificate.signature-algorithm" ||
    (rule === "certificate.key" && certificate !== leaf);
}

function noPath(
  leaf: Certificate,
  forged: Certificate | undefined,
  search: PathSearch,
  checks: SignatureChecks,
): PathFinding {
  const untrusted = (rule: string, found: string, certificate = leaf) => ({
    kind: "fault" as const,
    fault: { reason: "untrusted-authority" as const, rule, found, certificate },
  });
  if (search.exhausted) return untrusted("path.search-limit", "its chain has too many ways to go");
  if (checks.exhausted) {
    return untrusted("path.signature-limit", "its chain takes too many signature checks");
  }
  if (forged !== undefined) {
    const found = `"${formatName(forged.subject)}" is not signed by the authority that it names`;
    return untrusted("path.signature", found, forged);
  }
  if (search.tooLong) return untrusted("path.intermediates", "its chain has too many authorities");
  if (isSelfIssued(leaf)) return untrusted("path.self-signed", "it is signed by itself");
  const orphan = search.deepest.at(-1) ?? leaf;
  const issuer = formatName(orphan.issuer);
  const found = isSelfIssued(orphan)
    ? `its chain ends in "${issuer}", which is not trusted`
    : `its issuer "${issuer}" is neither trusted nor presented`;
  return { ...untrusted("path.no-issuer", found, orphan), orphan };
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
  certificates: readonly Certificate[],
): Verdict {
  const proven = provenNames(path, question);
  for (const pattern of question.expected) {
    const match = matchNames(pattern, proven);
    if (match === undefined) continue;
    const fault = commonNameFault(path[0]!, match, question.role);
    if (fault !== undefined) return refusal({ fault }, question, certificates);
    return accepted(path, proven, match, pattern);
  }
  const fault = mismatch(path[0]!);
  return refusal({ fault }, question, certificates);
}

function provenNames(path: Path, { role, anchors }: PeerQuestion): ProvenNames {
  const leaf = path[0]!;
  const anchor = path[path.length - 1]!;
  const spiffeId = spiffeIdOf(leaf);
  const claimed = leaf.extensions.subjectAlternativeNames ?? [];
  // An anchor that was given for a trust domain says nothing about the hosts in it.
  const names = anchors.vouchesForHosts(anchor)
    ? claimed
    : claimed.filter((name) => name.kind === "uri" && name.spiffeId !== undefined);
  const [commonName, ...more] = valuesOf(leaf.subject, ATTRIBUTE.commonName);
  const named = role === "client" && more.length === 0 && anchors.vouchesForCommonNames(anchor);
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
    identity: {
      ...match,
      names: [...all],
      spiffeId,
      commonName,
      certificate: summarize(leaf),
      fingerprint: leaf.fingerprint,
    },
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

function refusal(
  { fault, orphan }: { readonly fault: Fault; readonly orphan?: Certificate },
  { anchors, expected, now }: PeerQuestion,
  certificates: readonly Certificate[],
): Refused {
  const { reason, rule, found, certificate } = fault;
  const place = certificates.findIndex((one) => one.fingerprint === certificate?.fingerprint);
  const certificateIndex = fault.index ?? (place < 0 ? undefined : place);
  const finding = { reason, rule, found, certificate, certificateIndex, orphan };
  const context = { anchors, expected, now, leaf: certificates[0] };
  return { trusted: false, reason, rule, evidence: evidenceOf(finding, context) };
}
