import type { Certificate } from "./certificate/certificate.ts";
import { type CertificateFault, certificateFault } from "./certificate/certificate_fault.ts";

/** Longest lifetime without advice: what the public web allowed at most, 398 days. */
const LONG_LIFETIME_MS = 398 * 24 * 60 * 60 * 1000;

/** A certificate that began this recently was issued just now. */
const JUST_ISSUED_MS = 5000;

/** What the dates of a leaf make likely to fail later. No verdict refuses for it. */
export function lifetimeAdvice(
  { notBefore, notAfter }: Certificate,
  now: number,
): readonly CertificateFault[] {
  const faults: CertificateFault[] = [];
  if (notAfter - notBefore > LONG_LIFETIME_MS) {
    const days = Math.round((notAfter - notBefore) / (24 * 60 * 60 * 1000));
    faults.push(certificateFault("leaf.lifetime", `it is valid for ${days} days`));
  }
  const age = now - notBefore;
  if (age >= 0 && age < JUST_ISSUED_MS) {
    const found = "it is valid from the moment it was issued, without allowance for clocks";
    faults.push(certificateFault("leaf.not-before", found));
  }
  return faults;
}
