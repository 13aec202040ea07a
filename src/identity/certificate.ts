import type { CertificateFault } from "./certificate_fault.ts";
import type { DistinguishedName } from "./distinguished_name.ts";
import type { Extensions } from "./extensions.ts";
import type { PublicKey } from "./public_key.ts";
import type { SignatureAlgorithm } from "./signature_algorithm.ts";

/**
 * An X.509 certificate as strict DER told it: a plain value, nothing of it taken from the platform.
 *
 * It has been *read*, not believed: `faults` says what forbids its use in any path.
 */
export interface Certificate {
  /** The exact bytes. */
  readonly der: Uint8Array;
  /** SHA-256 over `der`, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** Serial number, lower-case hexadecimal without leading zeros; `-` before a negative one. */
  readonly serial: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** First instant of validity, milliseconds since the epoch. */
  readonly notBefore: number;
  /** Last second of validity, milliseconds since the epoch. */
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  readonly extensions: Extensions;
  /** What is wrong with it although it could be read; empty for one that may be used. */
  readonly faults: readonly CertificateFault[];
}
