import {
  type Certificate,
  isSelfIssued,
  issuedFault,
  spiffeIdOf,
} from "../certificate/certificate.ts";
import { PURPOSE } from "./leaf_rules.ts";
import { dateFault, ownFault, type PathFault, unsuitable } from "./path_fault.ts";
import type { PeerRole } from "./peer_role.ts";

/** What forbids a certificate to stand between a leaf and an anchor. */
export function intermediateFault(
  authority: Certificate,
  role: PeerRole,
  now: number,
): PathFault | undefined {
  const fault = authority.faults[0] ?? issuedFault(authority);
  if (fault !== undefined) return ownFault(authority, fault);
  const { keyUsage, extendedKeyUsage, authorityKeyIdentifier } = authority.extensions;
  const purposes = extendedKeyUsage?.purposes;
  if (keyUsage === undefined) {
    return unsuitable(authority, "authority.key-usage", "it does not say what its key is for");
  }
  if (purposes !== undefined && !purposes.has(PURPOSE[role]) && !purposes.has(PURPOSE.any)) {
    return unsuitable(authority, "authority.purpose", `it may not vouch for ${role}Auth`);
  }
  if (authorityKeyIdentifier?.keyIdentifier === undefined) {
    const found = "it does not identify the key that signed it";
    return unsuitable(authority, "authority.key-identifier", found);
  }
  return dateFault(authority, now) ?? authorityFault(authority);
}

/** What forbids an anchor to be the end of a path. It was chosen, but that does not make it fit. */
export function anchorFault(anchor: Certificate, now: number): PathFault | undefined {
  const fault = anchor.faults[0];
  if (fault !== undefined) return ownFault(anchor, fault);
  const { subjectKeyIdentifier, authorityKeyIdentifier, extendedKeyUsage } = anchor.extensions;
  if (extendedKeyUsage !== undefined) {
    return unsuitable(anchor, "authority.purpose", "an anchor has an extended key usage");
  }
  const named = authorityKeyIdentifier?.keyIdentifier;
  if (isSelfIssued(anchor)) {
    // RFC 5280 §4.2.1.1: a self-signed one may leave it out, and otherwise means itself.
    const means = named === subjectKeyIdentifier && authorityKeyIdentifier?.namesIssuer === false;
    if (authorityKeyIdentifier !== undefined && !means) {
      const found = "a self-signed anchor identifies another key than its own";
      return unsuitable(anchor, "authority.key-identifier", found);
    }
  } else if (named === undefined) {
    const found = "it does not identify the key that signed it";
    return unsuitable(anchor, "authority.key-identifier", found);
  }
  return dateFault(anchor, now) ?? authorityFault(anchor);
}

function authorityFault(authority: Certificate): PathFault | undefined {
  const { basicConstraints, keyUsage, subjectKeyIdentifier } = authority.extensions;
  const fault = (rule: string, found: string) => unsuitable(authority, rule, found);
  if (basicConstraints?.ca !== true) return fault("authority.not-one", "it is no authority");
  if (!basicConstraints.critical) {
    return fault("authority.basic-constraints", "its basic constraints are not critical");
  }
  if (keyUsage !== undefined && !keyUsage.has("keyCertSign")) {
    return fault("authority.key-usage", "its key usage does not include keyCertSign");
  }
  if (authority.subject.parts.length === 0) return fault("authority.subject", "it has no name");
  if (subjectKeyIdentifier === undefined) {
    return fault("authority.key-identifier", "it does not identify its own key");
  }
  // X509-SVID §3.2: the SPIFFE ID of a signing certificate has no path.
  const spiffeId = spiffeIdOf(authority);
  return spiffeId === undefined || spiffeId.segments.length === 0
    ? undefined
    : fault("svid.authority", "an authority bears the SPIFFE ID of a workload");
}
