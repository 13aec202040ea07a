import { type Certificate, isSelfIssued, issuedFault } from "../certificate/certificate.ts";
import { dateFault, ownFault, type PathFault, unsuitable } from "./path_fault.ts";
import type { PeerRole } from "./peer_role.ts";
import { allowsRole, shownKeyUsage, shownPurposes } from "./purposes.ts";

/** What forbids a certificate to stand between a leaf and an anchor. */
export function intermediateFault(
  authority: Certificate,
  role: PeerRole,
  now: number,
): PathFault | undefined {
  const fault = authority.faults[0] ?? issuedFault(authority);
  if (fault !== undefined) return ownFault(authority, fault);
  return dateFault(authority, now) ?? authorityFault(authority, role);
}

/** What forbids an anchor to be the end of a path. It was chosen, but that does not make it fit. */
export function anchorFault(
  anchor: Certificate,
  role: PeerRole,
  now: number,
): PathFault | undefined {
  const fault = anchor.faults[0];
  if (fault !== undefined) return ownFault(anchor, fault);
  const { subjectKeyIdentifier, authorityKeyIdentifier } = anchor.extensions;
  const named = authorityKeyIdentifier?.keyIdentifier;
  // RFC 5280 §4.2.1.1: a self-signed one that identifies a key means its own.
  const differs = named !== undefined && subjectKeyIdentifier !== undefined &&
    named !== subjectKeyIdentifier;
  if (isSelfIssued(anchor) && differs) {
    const found = "a self-signed anchor identifies another key than its own";
    return unsuitable(anchor, "authority.key-identifier", found);
  }
  return dateFault(anchor, now) ?? authorityFault(anchor, role);
}

function authorityFault(authority: Certificate, role: PeerRole): PathFault | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage } = authority.extensions;
  const fault = (rule: string, found: string) => unsuitable(authority, rule, found);
  if (basicConstraints?.ca !== true) {
    const found = basicConstraints === undefined ? "no basic constraints" : "CA:FALSE";
    return fault("authority.not-one", `it has ${found}, and is not an authority`);
  }
  if (keyUsage !== undefined && !keyUsage.has("keyCertSign")) {
    const found = `its key usage is ${shownKeyUsage(keyUsage)}, without keyCertSign`;
    return fault("authority.key-usage", found);
  }
  // It restricts the whole path, also for a leaf that has none.
  if (extendedKeyUsage !== undefined && !allowsRole(extendedKeyUsage, role)) {
    const found = `its extended key usage is ${shownPurposes(extendedKeyUsage)}`;
    return fault("authority.purpose", `${found}, so that it may not vouch for ${role}Auth`);
  }
  if (authority.subject.parts.length === 0) return fault("authority.subject", "it has no name");
  // X509-SVID §3.2: the SPIFFE ID of a signing certificate has no path.
  const isWorkloads = authority.extensions.subjectAlternativeNames?.some((name) =>
    name.kind === "uri" && name.spiffeId !== undefined && name.spiffeId.segments.length > 0
  );
  return isWorkloads === true
    ? fault("svid.authority", "an authority bears the SPIFFE ID of a workload")
    : undefined;
}
