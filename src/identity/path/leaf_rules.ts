import { type Certificate, issuedFault, spiffeIdOf } from "../certificate/certificate.ts";
import { dateFault, ownFault, type PathFault, unsuitable } from "./path_fault.ts";
import type { PeerRole } from "./peer_role.ts";

/** The purposes of RFC 5280 §4.2.1.12 that matter to TLS. */
export const PURPOSE = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
  any: "2.5.29.37.0",
} as const;

/** What forbids a certificate to be the peer's own in that role, whoever signed it. */
export function leafFault(leaf: Certificate, role: PeerRole, now: number): PathFault | undefined {
  const fault = leaf.faults[0] ?? issuedFault(leaf);
  if (fault !== undefined) return ownFault(leaf, fault);
  return dateFault(leaf, now) ?? purposeFault(leaf, role) ?? svidFault(leaf);
}

function purposeFault(leaf: Certificate, role: PeerRole): PathFault | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage, nameConstraints } = leaf.extensions;
  const fault = (rule: string, found: string) => unsuitable(leaf, rule, found);
  if (basicConstraints?.ca === true) return fault("leaf.authority", "it is an authority's");
  if (nameConstraints !== undefined) {
    return fault("leaf.constraints", "it constrains names without being an authority's");
  }
  // RFC 5280 §4.2.1.3 lets key usage be absent; then nothing says that this key may speak TLS.
  if (keyUsage?.has("digitalSignature") !== true) {
    return fault("leaf.key-usage", "its key usage does not include digitalSignature");
  }
  if (keyUsage.has("keyCertSign") || keyUsage.has("cRLSign")) {
    return fault("leaf.key-usage", "its key usage is an authority's");
  }
  const purposes = extendedKeyUsage?.purposes;
  if (purposes?.has(PURPOSE[role]) !== true) {
    return fault("leaf.purpose", `its extended key usage does not include ${role}Auth`);
  }
  if (purposes.has(PURPOSE.any)) {
    return fault("leaf.purpose", "its extended key usage is any at all");
  }
  // CA/Browser Forum BR 7.1.2.7.6; beside names of a purpose there is nothing to insist on.
  if (extendedKeyUsage?.critical === true) {
    return fault("leaf.purpose", "its extended key usage is critical");
  }
  return keyIdentifierFault(leaf);
}

function keyIdentifierFault(leaf: Certificate): PathFault | undefined {
  // RFC 5280 §4.2.1.1: in every certificate but a self-signed authority's.
  return leaf.extensions.authorityKeyIdentifier?.keyIdentifier === undefined
    ? unsuitable(leaf, "leaf.key-identifier", "it does not identify the key that signed it")
    : undefined;
}

function svidFault(leaf: Certificate): PathFault | undefined {
  // X509-SVID §5.2 beyond what holds for every leaf; the single URI is the SAN parser's rule.
  return spiffeIdOf(leaf)?.segments.length === 0
    ? unsuitable(leaf, "svid.path", "its SPIFFE ID is a trust domain's, not a workload's")
    : undefined;
}
