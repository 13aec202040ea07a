/** The kinds of keys that certificates may carry here. */
export type PublicKeyKind = "p-256" | "p-384" | "ed25519" | "rsa";

/** A certificate's public key. */
export interface PublicKey {
  /** Its kind; `unsupported` names it in `algorithm`. */
  readonly kind: PublicKeyKind | "unsupported";
  /** The algorithm in words, `RSA-2048` or `P-256` for instance. */
  readonly algorithm: string;
  /** The SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** SHA-256 over `spki`, lower-case hexadecimal. */
  readonly spkiSha256: string;
}
