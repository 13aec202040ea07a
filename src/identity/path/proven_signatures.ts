import type { Certificate } from "../certificate/certificate.ts";

/** As many as most workers have connections: after a rotation all of them are judged again. */
const CAPACITY = 4096;

/**
 * The signatures proven under one set of anchors, and those before it, so that the second connection of a peer, and the
 * second peer of an authority, cost less.
 *
 * A proven signature stays right for ever; what changes is what it is worth. So nothing else is
 * remembered (dates, names and purposes are judged each time). Remembered are the signatures of authorities
 * that lead up to an anchor, and those of leaves that were accepted; an entry is forgotten once its
 * certificate has expired.
 */
export class ProvenSignatures {
  readonly #untilByPair = new Map<string, number>();

  /** Whether that issuer's key is known to have signed that certificate. */
  has(certificate: Certificate, issuer: Certificate, now: number): boolean {
    const pair = pairOf(certificate, issuer);
    const until = this.#untilByPair.get(pair);
    if (until === undefined) return false;
    if (now <= until) return true;
    this.#untilByPair.delete(pair);
    return false;
  }

  /** Remembers what was proven before, so that peers who are judged again after a rotation cost no more checks. */
  takeOver(earlier: ProvenSignatures): void {
    for (const [pair, until] of earlier.#untilByPair) {
      if (this.#untilByPair.size >= CAPACITY) return;
      this.#untilByPair.set(pair, until);
    }
  }

  /** Remembers a proven signature; the oldest entry makes room. */
  add(certificate: Certificate, issuer: Certificate): void {
    const pair = pairOf(certificate, issuer);
    if (this.#untilByPair.has(pair)) return;
    if (this.#untilByPair.size >= CAPACITY) {
      this.#untilByPair.delete(this.#untilByPair.keys().next().value!);
    }
    // The last second of validity counts whole.
    this.#untilByPair.set(pair, certificate.notAfter + 999);
  }
}

// The fingerprint covers what was signed and the signature, the issuer's key is what it was proven with.
function pairOf(certificate: Certificate, issuer: Certificate): string {
  return certificate.fingerprint + issuer.publicKey.spkiSha256;
}
