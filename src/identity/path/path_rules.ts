import { anchorFault, intermediateFault } from "./authority_rules.ts";
import { type Certificate, isSelfIssued, spiffeIdOf } from "../certificate/certificate.ts";
import type { Work } from "../certificate/work.ts";
import { leafFault } from "./leaf_rules.ts";
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
  /** What the verdict may do, and has done. */
  readonly work: Work;
}

/** The rules of a path but for names and signatures, each certificate judged once in each place. */
export class PathRules {
  readonly #question: PathQuestion;
  readonly #judged = new Map<string, PathFault | undefined>();

  constructor(question: PathQuestion) {
    this.#question = question;
  }

  /** The first rule a path breaks, from the leaf up. */
  faultOf(path: Path): PathFault | undefined {
    const { role, now } = this.#question;
    const [leaf, ...authorities] = path;
    const anchor = authorities.pop();
    if (leaf === undefined || anchor === undefined) return undefined;
    const fault = this.#once("leaf", leaf, () => leafFault(leaf, role, now));
    if (fault !== undefined) return fault;
    for (const authority of authorities) {
      const judge = () => intermediateFault(authority, role, now);
      const fault = this.#once("intermediate", authority, judge);
      if (fault !== undefined) return fault;
    }
    return this.#once("anchor", anchor, () => anchorFault(anchor, now)) ?? lengthFault(path) ??
      domainFault(path, this.#question);
  }

  #once(
    place: string,
    { fingerprint }: Certificate,
    judge: () => PathFault | undefined,
  ): PathFault | undefined {
    const key = place + fingerprint;
    if (!this.#judged.has(key)) this.#judged.set(key, judge());
    return this.#judged.get(key);
  }
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
