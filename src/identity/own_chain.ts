import type { Certificate } from "./certificate/certificate.ts";
import { Work } from "./certificate/work.ts";
import { advisedFaults, type VerdictMode } from "./path/advised.ts";
import { decidedAtOnce } from "./path/check.ts";
import { hasPlainName, purposeFault, svidFault } from "./path/leaf_rules.ts";
import { DEFAULT_VERDICT_LIMITS } from "./path/limits.ts";
import { ownFault, type PathFault } from "./path/path_fault.ts";
import type { PathQuestion } from "./path/path_rules.ts";
import type { PeerRole } from "./path/peer_role.ts";
import { PresentedAuthorities } from "./path/presented_chain.ts";
import { type ProvenPath, provePath } from "./path/proven_path.ts";
import type { TrustAnchors } from "./path/trust_anchors.ts";

/** What is asked about our own chain. */
export interface OwnChainQuestion {
  /** What we are in our connections. Default: fitness for either role will do. */
  readonly role?: PeerRole | undefined;
  /** How peers of our own kind judge. Default `private`. */
  readonly mode?: VerdictMode;
}

/** By what they were asked: a leaf is asked about before every dial. */
const leafFaults = new WeakMap<Certificate, Map<string, PathFault | undefined>>();

/**
 * What a peer of our own kind would refuse about our leaf at whatever time, by the rules that peers are judged by.
 */
export function ownLeafFault(
  leaf: Certificate,
  question: OwnChainQuestion = {},
): PathFault | undefined {
  const known = leafFaults.get(leaf) ?? new Map<string, PathFault | undefined>();
  leafFaults.set(leaf, known);
  const key = `${question.role} ${question.mode}`;
  if (!known.has(key)) known.set(key, leafFaultOf(leaf, question));
  return known.get(key);
}

function leafFaultOf(
  leaf: Certificate,
  { role, mode }: OwnChainQuestion,
): PathFault | undefined {
  const [fault] = leaf.faults;
  if (fault !== undefined) return ownFault(leaf, fault);
  const faults = rolesOf(role).map((one) => purposeFault(leaf, one));
  if (faults.every((one) => one !== undefined)) return faults[0];
  // Peers that expect us under another name do not ask for an SVID.
  if (mode !== "strict") return hasPlainName(leaf, role) ? undefined : svidFault(leaf);
  const [advised] = advisedFaults(leaf, "leaf", role);
  return advised === undefined ? svidFault(leaf) : ownFault(leaf, advised);
}

/**
 * What peers that trust our own anchors would refuse about our chain. A chain that does not lead to these anchors
 * is for peers who trust others, and nothing is known against it.
 *
 * Dates are judged elsewhere: a certificate that has ended is another finding than one that cannot be used.
 */
export function ownChainFault(
  [leaf, ...authorities]: readonly Certificate[],
  anchors: TrustAnchors,
  { role, mode = "private" }: OwnChainQuestion = {},
): PathFault | undefined {
  if (leaf === undefined) return undefined;
  const faults = rolesOf(role).map((one) => faultInRole(leaf, authorities, anchors, one, mode));
  return faults.every((one) => one !== undefined) ? faults[0] : undefined;
}

/**
 * The authority that has expired, where peers that trust our own anchors would refuse our chain for that: no other way
 * leads to these anchors.
 */
export function expiredAuthority(
  [leaf, ...authorities]: readonly Certificate[],
  anchors: TrustAnchors,
  now: number,
  { role, mode = "private" }: OwnChainQuestion = {},
): PathFault | undefined {
  // A new dispatcher asks again, and most of the time none has.
  const mayHaveExpired = ({ notAfter }: Certificate): boolean => notAfter < now;
  if (!authorities.some(mayHaveExpired) && !anchors.all.some(mayHaveExpired)) return undefined;
  if (leaf === undefined) return undefined;
  const faults = rolesOf(role).map((one) => {
    const proof = proofOf(leaf, authorities, { role: one, anchors, mode, now });
    return proof.kind === "path" ? undefined : proof.fault;
  });
  const [fault] = faults;
  if (fault === undefined || faults.includes(undefined)) return undefined;
  const { reason, certificate } = fault;
  return reason === "certificate-expired" && certificate !== undefined && certificate !== leaf
    ? { ...fault, certificate }
    : undefined;
}

/**
 * The authority with which our chain ends before our leaf does, for peers that trust our own anchors: once it has ended
 * no other way leads to them. `undefined` where the leaf is the first to end, or no way leads to them now
 * or, where the leaf is not valid yet, once it is.
 *
 * @param now the time, in milliseconds since the epoch.
 */
export function endingAuthority(
  [leaf, ...authorities]: readonly Certificate[],
  anchors: TrustAnchors,
  now: number,
  question: OwnChainQuestion = {},
): Certificate | undefined {
  if (leaf === undefined) return undefined;
  const endsBefore = ({ notAfter }: Certificate): boolean => notAfter < leaf.notAfter;
  if (!authorities.some(endsBefore) && !anchors.all.some(endsBefore)) return undefined;
  let ending: Certificate | undefined;
  for (let at = Math.max(now, leaf.notBefore);;) {
    const path = ownPath(leaf, authorities, anchors, at, question);
    if (path === undefined) return ending;
    ending = path.reduce((first, one) => one.notAfter < first.notAfter ? one : first);
    if (!endsBefore(ending)) return undefined;
    // Past its last second: each way has one end more behind it than the one before.
    at = ending.notAfter + 1_000;
  }
}

/** The anchor that our chain leads to at that time, in a role of ours; `undefined` where it leads to none of these. */
export function ownAnchor(
  [leaf, ...authorities]: readonly Certificate[],
  anchors: TrustAnchors,
  now: number,
  question: OwnChainQuestion = {},
): Certificate | undefined {
  if (leaf === undefined) return undefined;
  return ownPath(leaf, authorities, anchors, now, question)?.at(-1);
}

/** A way from our leaf to one of these anchors at that time, in a role of ours. */
function ownPath(
  leaf: Certificate,
  authorities: readonly Certificate[],
  anchors: TrustAnchors,
  now: number,
  { role, mode = "private" }: OwnChainQuestion,
): readonly Certificate[] | undefined {
  for (const one of rolesOf(role)) {
    const proof = proofOf(leaf, authorities, { role: one, anchors, mode, now });
    if (proof.kind === "path") return proof.path;
  }
  return undefined;
}

/** Both, where it is not said which is ours. */
function rolesOf(role: PeerRole | undefined): readonly PeerRole[] {
  return role === undefined ? ["server", "client"] : [role];
}

function faultInRole(
  leaf: Certificate,
  authorities: readonly Certificate[],
  anchors: TrustAnchors,
  role: PeerRole,
  mode: VerdictMode,
): PathFault | undefined {
  // In the middle of its dates, so that only what lasts is found.
  const now = (leaf.notBefore + leaf.notAfter) / 2;
  const proof = proofOf(leaf, authorities, { role, anchors, mode, now });
  if (proof.kind === "path") return undefined;
  const { fault } = proof;
  const lasts = fault.reason === "certificate-unsuitable" && fault.certificate !== undefined;
  return lasts ? { ...fault, certificate: fault.certificate } : undefined;
}

function proofOf(
  leaf: Certificate,
  authorities: readonly Certificate[],
  asked: Pick<PathQuestion, "role" | "anchors" | "mode" | "now">,
): ProvenPath {
  const work = new Work();
  const entries = authorities.filter((one) => !asked.anchors.has(one))
    .map(({ der }, i) => ({ der, index: i + 1 }));
  const presented = new PresentedAuthorities(entries, DEFAULT_VERDICT_LIMITS, work);
  const question = { ...asked, asksSpiffeId: !hasPlainName(leaf, asked.role), work };
  return decidedAtOnce(provePath(leaf, presented, DEFAULT_VERDICT_LIMITS, question));
}
