import type { CertificateReason, HandshakeEvidence } from "../errors/mod.ts";
import type { Certificate } from "./certificate.ts";
import type { Denylist } from "./denylist.ts";
import type { IdentityPattern } from "./identity_pattern.ts";
import type { VerdictLimits } from "./limits.ts";
import type { PeerIdentity } from "./peer_identity.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** What the judged peer is in the connection: the TLS server or the TLS client. */
export type PeerRole = "server" | "client";

/** What is asked about a presented chain. */
export interface PeerQuestion {
  /** What the peer is in this connection. */
  readonly role: PeerRole;
  /** Whom we trust. */
  readonly anchors: TrustAnchors;
  /** The names that are expected (a dispatcher's `identity`) or allowed (a worker's `allow`): any of them. */
  readonly expected: readonly IdentityPattern[];
  /** Our clock, milliseconds since the epoch. */
  readonly now: number;
  /** Peers that are refused although all else is well. Default: none. */
  readonly denylist?: Denylist;
  /** What the verdict may cost. Default: {@linkcode DEFAULT_VERDICT_LIMITS}. */
  readonly limits?: Partial<VerdictLimits>;
}

/** A peer that is who it should be. */
export interface Trusted {
  readonly trusted: true;
  readonly identity: PeerIdentity;
  /** The last millisecond at which the whole path is valid. */
  readonly validUntil: number;
  /** The certificates from the leaf to the anchor, both included. */
  readonly path: readonly Certificate[];
  /** Which entry of `expected` matched. */
  readonly matched: IdentityPattern;
}

/** A peer that is not, and why. */
export interface Refused {
  readonly trusted: false;
  /**
   * The word of the vocabulary. A name that is not expected is `identity-mismatch`; where the peer
   * is a client, the refusal it is told says `subject-not-allowed` instead: see `peerReasonOf`.
   */
  readonly reason: CertificateReason;
  /** The broken rule, a stable word such as `path.signature`; also in the evidence. */
  readonly rule: string;
  readonly evidence: HandshakeEvidence;
}

/** The answer to a {@linkcode PeerQuestion}. */
export type Verdict = Trusted | Refused;
