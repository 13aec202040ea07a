import type { PublicKeyKind } from "./public_key.ts";

/** How a certificate was signed. */
export interface SignatureAlgorithm {
  /** Its name in words, `ecdsa-with-SHA256` for instance. */
  readonly name: string;
  /** The key kinds that can have made it; empty where the algorithm is not supported. */
  readonly keys: readonly PublicKeyKind[];
  /** The digest; none for Ed25519 and what is not supported. */
  readonly digest: "sha256" | "sha384" | "sha512" | undefined;
}
