import type { CertificateSummary, PeerReason } from "../errors/mod.ts";

/** The dates of the certificate that the other end has seen, and our clock. */
export interface OwnDates extends Pick<CertificateSummary, "notBefore" | "notAfter"> {
  /** Our clock, milliseconds since the epoch. */
  readonly now: number;
}

const ADVICE: Readonly<Record<PeerReason, string>> = {
  "untrusted-authority":
    "give the other end the authority of our certificate, or show the intermediates that lead to it",
  "identity-mismatch": "use a certificate with a name that the other end expects",
  "certificate-expired": "renew our certificate",
  "certificate-not-yet-valid": "use a certificate that is valid now",
  "certificate-unsuitable":
    "have a certificate issued for this use; the other end's log has the rule",
  "certificate-denied": "our certificate is on the other end's denylist: have a new one issued",
  "client-certificate-required": "give this dispatcher a certificate and its key",
  "subject-not-allowed": "add our name to the worker's allow list, or use a certificate it names",
};

/** What to do where the other end finds fault with our certificate; of one that is valid by our clock, what else may be wrong. */
export function adviceOnOurs(word: PeerReason, own: OwnDates | undefined): string {
  if (own === undefined) return ADVICE[word];
  if (word === "certificate-expired" && own.now <= Date.parse(own.notAfter)) {
    return validHere("has an authority above it expired, or is the other end's clock ahead?");
  }
  if (word === "certificate-not-yet-valid" && own.now >= Date.parse(own.notBefore)) {
    return validHere("is an authority above it not valid yet, or the other end's clock behind?");
  }
  return ADVICE[word];
}

/** What to do where all that is known is that by one of the two clocks our certificate is not valid. */
export const COMPARE_CLOCKS =
  "by this clock our certificate is valid: see whether an authority above it has expired, and compare the clock " +
  "with the other end's";

function validHere(question: string): string {
  return `by this clock our certificate is valid; ${question}`;
}
