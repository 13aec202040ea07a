import { anchorFault, intermediateFault } from "./authority_rules.ts";
import { type Certificate, isSelfIssued, spiffeIdOf } from "../certificate/certificate.ts";
import { isMisspeltSpiffeId } from "../certificate/general_name.ts";
import { escapePeerText } from "../../errors/mod.ts";
import type { Work } from "../certificate/work.ts";
import { advisedFaults, type ChainPlace, type VerdictMode } from "./advised.ts";
import { leafFault, pinnedFault, svidFault } from "./leaf_rules.ts";
import { ownFault, type PathFault, unsuitable } from "./path_fault.ts";
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
  /** Whether what is advice otherwise refuses. Default `private`: it does not. */
  readonly mode?: VerdictMode;
  /** Whether the peer may be expected under a SPIFFE ID, so that the rules of SVIDs apply. */
  readonly asksSpiffeId: boolean;
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
    const { role, now, anchors } = this.#question;
    const [leaf, ...authorities] = path;
    const anchor = authorities.pop();
    if (leaf === undefined || anchor === undefined) return undefined;
    // Under the public roots the rules of the public web hold.
    const strict = this.#question.mode === "strict" || anchors.isPublic(anchor);
    const fault = this.#in("leaf", leaf, strict, () => this.#leafFault(leaf));
    if (fault !== undefined) return fault;
    for (const authority of authorities) {
      const judge = () => intermediateFault(authority, role, now);
      const fault = this.#in("intermediate", authority, strict, judge);
      if (fault !== undefined) return fault;
    }
    return this.#in("anchor", anchor, strict, () => anchorFault(anchor, role, now)) ??
      linkFault(path) ?? digestFault(path) ?? lengthFault(path) ??
      domainFault(path, this.#question);
  }

  /** Why a leaf that is itself in the bundle is not accepted as itself. */
  pinnedFault(leaf: Certificate): PathFault | undefined {
    const { role, now, mode, asksSpiffeId } = this.#question;
    return pinnedFault(leaf, role, now) ??
      (mode === "strict" ? advisedFault(leaf, "leaf", role) : undefined) ??
      (asksSpiffeId || mode === "strict" ? svidFault(leaf) : undefined) ??
      domainFault([leaf], this.#question);
  }

  #leafFault(leaf: Certificate): PathFault | undefined {
    const { role, now, mode, asksSpiffeId } = this.#question;
    return leafFault(leaf, role, now) ??
      (asksSpiffeId || mode === "strict" ? svidFault(leaf) : undefined);
  }

  #in(
    place: ChainPlace,
    certificate: Certificate,
    strict: boolean,
    judge: () => PathFault | undefined,
  ): PathFault | undefined {
    const key = `${place}${strict ? "!" : ""}${certificate.fingerprint}`;
    if (!this.#judged.has(key)) {
      const advised = () => advisedFault(certificate, place, this.#question.role);
      this.#judged.set(key, judge() ?? (strict ? advised() : undefined));
    }
    return this.#judged.get(key);
  }
}

function advisedFault(
  certificate: Certificate,
  place: ChainPlace,
  role: PeerRole,
): PathFault | undefined {
  const [fault] = advisedFaults(certificate, place, role);
  return fault && ownFault(certificate, fault);
}

// RFC 5280 §4.2.1.1: where both keys are identified, they must be the same.
function linkFault(path: Path): PathFault | undefined {
  for (let i = 0; i + 1 < path.length; i++) {
    const wanted = path[i]!.extensions.authorityKeyIdentifier?.keyIdentifier;
    const given = path[i + 1]!.extensions.subjectKeyIdentifier;
    if (wanted !== undefined && given !== undefined && wanted !== given) {
      const found = "its authority key identifier is not that of the key that signed it";
      return unsuitable(path[i]!, "path.key-identifier", found);
    }
  }
  return undefined;
}

// The platform fails each signature of P-521 over SHA-256: without this it would be called a forgery.
function digestFault(path: Path): PathFault | undefined {
  for (let i = 0; i + 1 < path.length; i++) {
    const { name, keys, digest } = path[i]!.signatureAlgorithm;
    if (path[i + 1]!.publicKey.kind !== "p-521" || digest !== "sha256") continue;
    if (!keys.includes("p-256")) continue;
    const found = `${name} under a key on P-521 is not supported; sign with SHA-384 or SHA-512`;
    return unsuitable(path[i]!, "certificate.signature-algorithm", found);
  }
  return undefined;
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

/**
 * Who may vouch for whom: a root for its own SPIFFE trust domain, and no other. A key that is an anchor binds
 * the path wherever it stands in it, also where another anchor has signed it.
 */
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
    const bound = path.find((one) => !anchors.vouchesForHosts(one, anchor));
    return bound === undefined
      ? undefined
      : untrusted(bound, "this anchor vouches for SPIFFE IDs only, and the peer has none");
  }
  if (!anchors.vouchesForDomain(anchor, domain)) {
    return untrusted(anchor, `this anchor does not vouch for the trust domain ${domain}`);
  }
  for (const authority of path.slice(1)) {
    const isLabelled = authority === anchor && anchors.isLabelled(anchor);
    const other = otherDomainOf(authority, domain, isLabelled);
    if (other !== undefined) {
      return untrusted(
        authority,
        `an authority of ${other} vouches for the trust domain ${domain}`,
      );
    }
    if (anchors.isBoundElsewhere(authority.publicKey, domain)) {
      const found = `its key is an anchor of another trust domain, and the peer is in ${domain}`;
      return untrusted(authority, found);
    }
  }
  return undefined;
}

/**
 * A trust domain that an authority names for itself and that is not this one. A SPIFFE ID that is misspelt names
 * none that could be compared, so that it is never this one, unless the operator has said which domain the anchor is for.
 */
function otherDomainOf(
  { extensions: { subjectAlternativeNames } }: Certificate,
  domain: string,
  isLabelled: boolean,
): string | undefined {
  for (const name of subjectAlternativeNames ?? []) {
    if (name.kind === "uri" && name.spiffeId !== undefined) {
      const { trustDomain } = name.spiffeId;
      if (trustDomain !== domain) return trustDomain;
    }
    if (!isLabelled && isMisspeltSpiffeId(name)) return `"${escapePeerText(name.text)}"`;
  }
  return undefined;
}
