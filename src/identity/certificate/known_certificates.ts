import { sameBytes } from "../der/bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import type { CertificateFault } from "./certificate_fault.ts";

const CAPACITY = 256;

/**
 * The certificates of peers that were accepted, already read: reading one takes 40 µs, and a peer that connects again, or
 * is judged again, presents the same bytes. What was read depends on nothing but these, which are compared as a whole;
 * what they are worth is judged each time.
 */
export class KnownCertificates {
  /** By the last bytes of each, which are of its signature. */
  readonly #byKey = new Map<number, Certificate>();

  /** Reads a certificate from DER, as {@linkcode parseCertificate} does. */
  read(der: Uint8Array): Certificate | CertificateFault {
    const known = this.#byKey.get(keyOf(der));
    return known !== undefined && sameBytes(known.der, der) ? known : parseCertificate(der);
  }

  /** Remembers one, whose peer was accepted; the oldest entry makes room. */
  add(certificate: Certificate): void {
    const key = keyOf(certificate.der);
    if (this.#byKey.get(key) === certificate) return;
    this.#byKey.delete(key);
    if (this.#byKey.size >= CAPACITY) this.#byKey.delete(this.#byKey.keys().next().value!);
    this.#byKey.set(key, certificate);
  }
}

function keyOf(der: Uint8Array): number {
  let key = der.length;
  for (let at = Math.max(0, der.length - 4); at < der.length; at++) key = key * 256 + der[at]!;
  return key;
}

/** Those of this process. */
export const knownCertificates: KnownCertificates = new KnownCertificates();
