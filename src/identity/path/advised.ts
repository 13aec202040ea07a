import type { Certificate } from "../certificate/certificate.ts";
import { type CertificateFault, certificateFault } from "../certificate/certificate_fault.ts";
import { PURPOSE } from "./purposes.ts";
import type { PeerRole } from "./peer_role.ts";

/**
 * How a verdict treats what a certificate could do better without being unsafe: `private` accepts and advises,
 * `strict` refuses.
 */
export type VerdictMode = "private" | "strict";

/** What a certificate stands for in a chain. */
export type ChainPlace = "leaf" | "intermediate" | "anchor";

/** The rules that are advice unless the verdict is strict, broken by this certificate in its place. */
export function advisedFaults(
  certificate: Certificate,
  place: ChainPlace,
  role?: PeerRole,
): readonly CertificateFault[] {
  const own = certificate.advised;
  if (place === "leaf") return [...own, ...leafFaults(certificate, role)];
  return [...own, ...authorityFaults(certificate, place)];
}

function leafFaults(
  { extensions, issuer, subject }: Certificate,
  role: PeerRole | undefined,
): readonly CertificateFault[] {
  const { keyUsage, extendedKeyUsage, authorityKeyIdentifier } = extensions;
  const faults: CertificateFault[] = [];
  const advise = (rule: string, found: string) => faults.push(certificateFault(rule, found));
  if (keyUsage === undefined) advise("leaf.key-usage", "it has no key usage");
  if (extendedKeyUsage === undefined) {
    advise(
      "leaf.purpose",
      "it has no extended key usage, so that it serves as client and as server",
    );
  } else {
    const { purposes, critical } = extendedKeyUsage;
    if (purposes.has(PURPOSE.any)) {
      const named = role === undefined || purposes.has(PURPOSE[role]) ? "beside" : "instead of";
      advise(
        "leaf.any-purpose",
        `its extended key usage is anyExtendedKeyUsage ${named} TLS roles`,
      );
    }
    if (critical) advise("leaf.critical-purpose", "its extended key usage is critical");
  }
  if (authorityKeyIdentifier?.keyIdentifier === undefined && issuer.key !== subject.key) {
    advise("leaf.key-identifier", "it has no authority key identifier");
  }
  return faults;
}

function authorityFaults(
  { extensions, issuer, subject }: Certificate,
  place: "intermediate" | "anchor",
): readonly CertificateFault[] {
  const { keyUsage, extendedKeyUsage, basicConstraints } = extensions;
  const { authorityKeyIdentifier, subjectKeyIdentifier } = extensions;
  const faults: CertificateFault[] = [];
  const advise = (rule: string, found: string) => faults.push(certificateFault(rule, found));
  const selfIssued = issuer.key === subject.key;
  // RFC 5280 §4.2.1.1: a self-signed authority may leave the extension out.
  if (authorityKeyIdentifier?.keyIdentifier === undefined) {
    if (place === "intermediate" || !selfIssued) {
      advise("authority.key-identifier", "it has no authority key identifier");
    }
  }
  if (subjectKeyIdentifier === undefined) {
    advise("authority.key-identifier", "it has no subject key identifier");
  }
  if (basicConstraints?.ca === true && !basicConstraints.critical) {
    advise("authority.basic-constraints", "its basic constraints are not critical");
  }
  if (place === "intermediate" && keyUsage === undefined) {
    advise("authority.key-usage", "it has no key usage");
  }
  if (place === "anchor" && extendedKeyUsage !== undefined) {
    advise("authority.purpose", "it is a root and has an extended key usage");
  }
  if (place === "anchor" && selfIssued && authorityKeyIdentifier?.namesIssuer === true) {
    advise("authority.key-identifier", "its authority key identifier names its own serial number");
  }
  return faults;
}
