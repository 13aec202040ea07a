import type { CertificateSummary } from "../../errors/mod.ts";
import type { SpiffeId } from "./spiffe_id.ts";

/** What kind of name a peer was proven under. */
export type IdentityKind = "spiffe" | "dns" | "ip" | "uri" | "email" | "cn";

/** Who a peer is: the name it was proven under, and every other its certificate vouches for. */
export interface PeerIdentity {
  /** The kind of the proven name. */
  readonly kind: IdentityKind;
  /** The proven name as patterns write it: `spiffe://…`, `dns:a.b`, `ip:…`, `uri:…`, `cn:…`. */
  readonly name: string;
  /** Every subject alternative name as patterns write them, the proven one first. */
  readonly names: readonly string[];
  /** The SPIFFE ID, where the certificate is an SVID. */
  readonly spiffeId: SpiffeId | undefined;
  /** The subject's common name, where there is exactly one; only a `cn:` pattern reads it. */
  readonly commonName: string | undefined;
  /** What a person may know of the certificate. */
  readonly certificate: CertificateSummary;
  /** SHA-256 over the certificate's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/** What matching a pattern reads of a peer. */
export type NamedPeer = Pick<PeerIdentity, "name" | "names" | "spiffeId" | "commonName">;
