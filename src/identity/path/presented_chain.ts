import type { Certificate } from "../certificate/certificate.ts";
import {
  type CertificateFault,
  certificateFault,
  isCertificateFault,
} from "../certificate/certificate_fault.ts";
import { knownCertificates } from "../certificate/known_certificates.ts";
import { presentedSubject } from "../certificate/presented_subject.ts";
import type { Work } from "../certificate/work.ts";
import { MAX_CHAIN_ENTRIES, type VerdictLimits } from "./limits.ts";
import type { PathFault } from "./path_fault.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** Why a chain is refused: the fault of a path, or of bytes that are no certificate. */
export type ChainFault = Omit<PathFault, "certificate"> & {
  /** The certificate at fault, where it could be read. */
  readonly certificate?: Certificate;
  /** Its place in the chain, where it could not. */
  readonly index?: number;
};

/** A chain whose leaf was read; or why it was not. */
export type ReadChain =
  | { readonly kind: "chain"; readonly leaf: Certificate; readonly others: PresentedAuthorities }
  | { readonly kind: "fault"; readonly fault: ChainFault };

/** Reads the leaf of a chain, once its size is known to be within the limits. */
export function readChain(
  chain: readonly Uint8Array[],
  anchors: TrustAnchors,
  limits: VerdictLimits,
  work: Work,
): ReadChain {
  const [first, ...rest] = chain;
  if (first === undefined) return tooMuch("chain.empty", "it presents no certificate");
  if (chain.length > MAX_CHAIN_ENTRIES || !work.allows("entry", chain.length)) {
    return tooMuch("chain.certificates", `it presents ${chain.length} certificates`);
  }
  const empty = chain.findIndex(({ length }) => length === 0);
  if (empty > 0) {
    const found = "an entry of its chain is empty (RFC 8446 §4.4.2)";
    return { kind: "fault", fault: unread(certificateFault("chain.entry", found), empty) };
  }
  // An anchor that is sent along is known already.
  const others = rest.flatMap((der, i) => anchors.hasDer(der) ? [] : [{ der, index: i + 1 }]);
  const bytes = others.reduce((sum, { der }) => sum + der.length, first.length);
  if (bytes > limits.chainBytes) return tooMuch("chain.bytes", `it presents ${bytes} bytes`);
  if (!work.allows("byte", first.length)) {
    return tooMuch(
      "path.work",
      `reading a certificate of ${first.length} bytes takes too much work`,
    );
  }
  const leaf = knownCertificates.read(first);
  if (isCertificateFault(leaf)) return { kind: "fault", fault: unread(leaf, 0) };
  return { kind: "chain", leaf, others: new PresentedAuthorities(others, limits, work) };
}

function tooMuch(rule: string, found: string): ReadChain {
  return { kind: "fault", fault: { reason: "certificate-unsuitable", rule, found } };
}

// The peer's own certificate is unsuitable; one above it that is not a certificate breaks the chain.
function unread({ rule, found }: CertificateFault, index: number): ChainFault {
  const reason = index === 0 ? "certificate-unsuitable" : "untrusted-authority";
  return { reason, rule, found, index };
}

interface Entry {
  readonly der: Uint8Array;
  readonly index: number;
}

/**
 * What a peer presents beyond its leaf. Each is read only when a path asks for an issuer of its subject; one
 * that no path needs is never read and may be anything.
 */
export class PresentedAuthorities {
  readonly #entries: readonly Entry[];
  readonly #limits: VerdictLimits;
  readonly #work: Work;
  readonly #read = new Map<string, readonly Certificate[]>();
  readonly #indexes = new Map<Certificate, number>();
  #bySubject: ReadonlyMap<string | undefined, readonly Entry[]> | undefined;
  #unread: ChainFault | undefined;
  #tooMany = false;

  constructor(entries: readonly Entry[], limits: VerdictLimits, work: Work) {
    this.#entries = entries;
    this.#limits = limits;
    this.#work = work;
  }

  /** Why the first that was needed and could not be read could not. */
  get unread(): ChainFault | undefined {
    return this.#unread;
  }

  /** Whether more certificates were needed than may be read. */
  get tooMany(): boolean {
    return this.#tooMany;
  }

  /** The place of a certificate in the chain, where it was presented there. */
  indexOf(certificate: Certificate): number | undefined {
    return this.#indexes.get(certificate);
  }

  /** Those of that subject, in order. */
  named(subject: string): readonly Certificate[] {
    let certificates = this.#read.get(subject);
    if (certificates === undefined) {
      this.#bySubject ??= Map.groupBy(this.#entries, ({ der }) => presentedSubject(der));
      certificates = (this.#bySubject.get(subject) ?? []).flatMap((entry) =>
        this.#readEntry(entry)
      );
      this.#read.set(subject, certificates);
    }
    return certificates;
  }

  #readEntry({ der, index }: Entry): readonly Certificate[] {
    // The leaf is the first that is read.
    if (this.#indexes.size + 1 >= this.#limits.certificates) {
      this.#tooMany = true;
      return [];
    }
    if (!this.#work.allows("byte", der.length)) return [];
    const certificate = knownCertificates.read(der);
    if (isCertificateFault(certificate)) {
      this.#unread ??= unread(certificate, index);
      return [];
    }
    this.#indexes.set(certificate, index);
    return [certificate];
  }
}
