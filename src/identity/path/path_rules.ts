import { anchorFault, intermediateFault } from "./authority_rules.ts";
import { type Certificate, isSelfIssued, spiffeIdOf } from "../certificate/certificate.ts";
import { ATTRIBUTE, valuesOf } from "../certificate/distinguished_name.ts";
import type { GeneralName } from "../certificate/general_name.ts";
import { leafFault } from "./leaf_rules.ts";
import { type ComparisonBudget, constraintAgainst } from "../certificate/name_constraints.ts";
import { type PathFault, unsuitable } from "./path_fault.ts";
import type { PeerRole } from "./peer_role.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** A leaf, the authorities above it in order, and an anchor: linked by name, nothing proven yet. */
export type Path = readonly Certificate[];

/** What the rules of a path need to know. */
export interface PathQuestion {
  /** What the peer is. */
  readonly role: PeerRole;
  /** Whom we trust, and for what. */
  readonly anchors: TrustAnchors;
  /** Our clock, milliseconds since the epoch. */
  readonly now: number;
  /** How many comparisons name constraints may take. */
  readonly budget: ComparisonBudget;
}

/** The first rule a path breaks, from the leaf up; signatures are not among them. */
export function pathFault(path: Path, question: PathQuestion): PathFault | undefined {
  const { role, now } = question;
  const [leaf, ...authorities] = path;
  const anchor = authorities.pop();
  if (leaf === undefined || anchor === undefined) return undefined;
  const fault = leafFault(leaf, role, now);
  if (fault !== undefined) return fault;
  for (const authority of authorities) {
    const fault = intermediateFault(authority, role, now);
    if (fault !== undefined) return fault;
  }
  return anchorFault(anchor, now) ?? lengthFault(path) ?? domainFault(path, question) ??
    constraintFault(path, question.budget);
}

// RFC 5280 §6.1.4 (l) and (m): self-issued authorities are not counted, nor is the leaf.
function lengthFault(path: Path): PathFault | undefined {
  let below = 0;
  for (const authority of path.slice(1)) {
    const { pathLength } = authority.extensions.basicConstraints ?? {};
    if (pathLength !== undefined && below > pathLength) {
      const found = `${below} authorities follow where it allows ${pathLength}`;
      return unsuitable(authority, "path.length", found);
    }
    if (!isSelfIssued(authority)) below++;
  }
  return undefined;
}

/** Who may vouch for whom: a root for its own SPIFFE trust domain, and no other. */
function domainFault(path: Path, { anchors }: PathQuestion): PathFault | undefined {
  const [leaf] = path;
  const anchor = path.at(-1);
  if (leaf === undefined || anchor === undefined) return undefined;
  const domain = spiffeIdOf(leaf)?.trustDomain;
  const untrusted = (certificate: Certificate, found: string): PathFault => ({
    reason: "untrusted-authority",
    rule: "path.trust-domain",
    found,
    certificate,
  });
  if (domain === undefined) {
    return anchors.vouchesForHosts(anchor)
      ? undefined
      : untrusted(anchor, "this anchor vouches for SPIFFE IDs only, and the peer has none");
  }
  if (!anchors.vouchesForDomain(anchor, domain)) {
    return untrusted(anchor, `this anchor does not vouch for the trust domain ${domain}`);
  }
  for (const authority of path.slice(1)) {
    const own = spiffeIdOf(authority)?.trustDomain;
    if (own !== undefined && own !== domain) {
      return untrusted(authority, `an authority of ${own} vouches for the trust domain ${domain}`);
    }
  }
  return undefined;
}

// RFC 5280 §6.1.3 (b) and (c): every name below a constrained authority, self-issued ones excepted.
function constraintFault(path: Path, budget: ComparisonBudget): PathFault | undefined {
  const constraining = path.flatMap(({ extensions: { nameConstraints } }, i) =>
    nameConstraints === undefined ? [] : [{ nameConstraints, i }]
  );
  if (constraining.length === 0) return undefined;
  for (const [place, certificate] of path.entries()) {
    if (place > 0 && isSelfIssued(certificate)) continue;
    const names = constrainedNames(certificate);
    for (const { nameConstraints, i } of constraining) {
      if (i <= place) continue;
      for (const name of names) {
        const against = constraintAgainst(nameConstraints, name, budget);
        if (against !== undefined) {
          const found = `by the name constraints of its authority, ${against}`;
          return unsuitable(certificate, "path.name-constraints", found);
        }
      }
    }
  }
  return undefined;
}

function constrainedNames({ subject, extensions }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [...extensions.subjectAlternativeNames ?? []];
  if (subject.parts.length > 0) names.push({ kind: "directory", name: subject });
  // RFC 5280 §4.2.1.10: addresses of the subject count where the alternative names have none.
  if (!names.some(({ kind }) => kind === "email")) {
    for (const mailbox of valuesOf(subject, ATTRIBUTE.emailAddress)) {
      names.push({ kind: "email", mailbox });
    }
  }
  return names;
}
