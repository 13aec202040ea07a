import { type Certificate, issuedFault, spiffeIdOf } from "../certificate/certificate.ts";
import { ATTRIBUTE, valuesOf } from "../certificate/distinguished_name.ts";
import { isMisspeltSpiffeId } from "../certificate/general_name.ts";
import { dateFault, ownFault, type PathFault, unsuitable } from "./path_fault.ts";
import type { PeerRole } from "./peer_role.ts";
import { allowsRole, shownKeyUsage, shownPurposes } from "./purposes.ts";

/** What forbids a certificate to be the peer's own in that role, whichever authority signed it. */
export function leafFault(leaf: Certificate, role: PeerRole, now: number): PathFault | undefined {
  const fault = leaf.faults[0] ?? issuedFault(leaf);
  if (fault !== undefined) return ownFault(leaf, fault);
  return dateFault(leaf, now) ?? purposeFault(leaf, role);
}

/** What forbids a certificate that is itself in the bundle to be the peer's own. */
export function pinnedFault(leaf: Certificate, role: PeerRole, now: number): PathFault | undefined {
  const fault = leaf.faults[0];
  if (fault !== undefined) return ownFault(leaf, fault);
  return dateFault(leaf, now) ?? purposeFault(leaf, role);
}

/** What a leaf says that it is not for, at whatever time. What it leaves unsaid forbids nothing. */
export function purposeFault(leaf: Certificate, role: PeerRole): PathFault | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage, nameConstraints } = leaf.extensions;
  const fault = (rule: string, found: string) => unsuitable(leaf, rule, found);
  if (basicConstraints?.ca === true) {
    return fault("leaf.authority", "its basic constraints say CA:TRUE: it is an authority's");
  }
  if (nameConstraints !== undefined) {
    return fault("leaf.constraints", "it has name constraints without being an authority's");
  }
  if (keyUsage !== undefined) {
    const found = `its key usage is ${shownKeyUsage(keyUsage)}`;
    if (!keyUsage.has("digitalSignature")) {
      return fault("leaf.key-usage", `${found}, without digitalSignature`);
    }
    // RFC 5280 §4.2.1.9: keyCertSign is for authorities.
    if (keyUsage.has("keyCertSign") || keyUsage.has("cRLSign")) {
      return fault("leaf.key-usage", `${found}, which is an authority's`);
    }
  }
  if (extendedKeyUsage !== undefined && !allowsRole(extendedKeyUsage, role)) {
    const found = shownPurposes(extendedKeyUsage);
    return fault("leaf.purpose", `its extended key usage is ${found}, without ${role}Auth`);
  }
  return undefined;
}

/** What forbids a leaf to prove a SPIFFE ID (X509-SVID §2, §4.1), beyond what holds for every leaf. */
export function svidFault(leaf: Certificate): PathFault | undefined {
  const names = leaf.extensions.subjectAlternativeNames ?? [];
  if (names.some(isMisspeltSpiffeId)) {
    const [fault] = leaf.advised.filter(({ rule }) => rule === "san.uri");
    return unsuitable(leaf, "san.spiffe-id", fault?.found ?? "its SPIFFE ID is misspelt");
  }
  const id = spiffeIdOf(leaf);
  if (id === undefined) return undefined;
  const uris = names.filter((name) =>
    name.kind === "uri" || (name.kind === "unusable" && name.of === "uri")
  );
  if (uris.length > 1) {
    const found = `it has a SPIFFE ID among ${uris.length} URI names`;
    return unsuitable(leaf, "san.several-uris", found);
  }
  return id.segments.length === 0
    ? unsuitable(leaf, "svid.path", "its SPIFFE ID is a trust domain's, not a workload's")
    : undefined;
}

/** Whether a leaf may be expected under a name that is no SPIFFE ID, so that what forbids it one does not forbid it all. */
export function hasPlainName(leaf: Certificate, role?: PeerRole): boolean {
  const names = leaf.extensions.subjectAlternativeNames ?? [];
  return names.some((name) =>
    name.kind === "dns" || name.kind === "ip" ||
    (name.kind === "uri" && name.spiffeId === undefined)
  ) || (role !== "server" && valuesOf(leaf.subject, ATTRIBUTE.commonName).length === 1);
}
