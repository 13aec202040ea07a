import type { CertificateReason } from "../../errors/mod.ts";
import type { Certificate } from "../certificate/certificate.ts";
import type { CertificateFault } from "../certificate/certificate_fault.ts";

/** What speaks against a path: the word of the vocabulary, the rule, and the certificate at fault. */
export interface PathFault {
  /** The word of the vocabulary. */
  readonly reason: CertificateReason;
  /** The broken rule. */
  readonly rule: string;
  /** One sentence: what was found. */
  readonly found: string;
  /** The certificate at fault. */
  readonly certificate: Certificate;
}

/** The fault of a certificate that cannot serve in its place. */
export function unsuitable(certificate: Certificate, rule: string, found: string): PathFault {
  return { reason: "certificate-unsuitable", rule, found, certificate };
}

/** A certificate's own fault as a fault of the path it is on. */
export function ownFault(certificate: Certificate, fault: CertificateFault): PathFault {
  return unsuitable(certificate, fault.rule, fault.found);
}

/** What the clock has against a certificate. Both ends are inclusive, by whole seconds. */
export function dateFault(certificate: Certificate, now: number): PathFault | undefined {
  const { notBefore, notAfter } = certificate;
  // RFC 5280 §4.1.2.5 counts in seconds, so the last one is valid to its end.
  const second = Math.floor(now / 1000) * 1000;
  // Said so that a clock that is no number makes nothing valid.
  if (!(second >= notBefore)) {
    const found = `it is not valid before ${new Date(notBefore).toISOString()}`;
    return { reason: "certificate-not-yet-valid", rule: "dates.not-before", found, certificate };
  }
  if (!(second <= notAfter)) {
    const found = `it expired at ${new Date(notAfter).toISOString()}`;
    return { reason: "certificate-expired", rule: "dates.not-after", found, certificate };
  }
  return undefined;
}
