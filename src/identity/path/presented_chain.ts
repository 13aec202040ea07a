import { type Certificate, parseCertificate } from "../certificate/certificate.ts";
import { type CertificateFault, isCertificateFault } from "../certificate/certificate_fault.ts";
import type { VerdictLimits } from "./limits.ts";
import type { PathFault } from "./path_fault.ts";

/** What speaks against a chain: a path's fault, or one of bytes that are no certificate. */
export type ChainFault = Omit<PathFault, "certificate"> & {
  /** The certificate at fault, where it could be read. */
  readonly certificate?: Certificate;
  /** Its place in the chain, where it could not. */
  readonly index?: number;
};

/** A chain as it was presented, read as far as it could be. */
export type PresentedChain =
  | {
    readonly kind: "chain";
    readonly leaf: Certificate;
    readonly certificates: readonly Certificate[];
  }
  | {
    readonly kind: "fault";
    readonly fault: ChainFault;
    readonly certificates: readonly Certificate[];
  };

/** Reads every certificate of a chain, leaf first, once its size is known to be within the limits. */
export function readChain(chain: readonly Uint8Array[], limits: VerdictLimits): PresentedChain {
  const bytes = chain.reduce((sum, { length }) => sum + length, 0);
  if (chain.length === 0) return tooMuch("chain.empty", "it presents no certificate");
  if (chain.length > limits.certificates) {
    return tooMuch("chain.certificates", `it presents ${chain.length} certificates`);
  }
  if (bytes > limits.chainBytes) return tooMuch("chain.bytes", `it presents ${bytes} bytes`);
  const certificates: Certificate[] = [];
  for (const [index, der] of chain.entries()) {
    const certificate = parseCertificate(der);
    if (isCertificateFault(certificate)) {
      return { kind: "fault", fault: unread(certificate, index), certificates };
    }
    certificates.push(certificate);
  }
  return { kind: "chain", leaf: certificates[0]!, certificates };
}

function tooMuch(rule: string, found: string): PresentedChain {
  const fault = { reason: "certificate-unsuitable" as const, rule, found };
  return { kind: "fault", fault, certificates: [] };
}

// The peer's own certificate is unsuitable; one above it that is none breaks the chain.
function unread({ rule, found }: CertificateFault, index: number): ChainFault {
  const reason = index === 0 ? "certificate-unsuitable" : "untrusted-authority";
  return { reason, rule, found, index };
}
