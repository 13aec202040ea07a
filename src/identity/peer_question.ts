import type { CertificateReason, HandshakeEvidence } from "../errors/mod.ts";
import type { Certificate } from "./certificate/certificate.ts";
import type { Work } from "./certificate/work.ts";
import type { Denylist } from "./denylist.ts";
import type { IdentityPattern } from "./names/identity_pattern.ts";
import type { PeerIdentity } from "./names/peer_identity.ts";
import type { VerdictLimits } from "./path/limits.ts";
import type { PathQuestion } from "./path/path_rules.ts";

/** What is asked about a presented chain. */
export interface PeerQuestion extends Pick<PathQuestion, "role" | "anchors" | "now" | "mode"> {
  /** The names that are expected (a dispatcher's `identity`) or allowed (a worker's `allow`): any of them. */
  readonly expected: readonly IdentityPattern[];
  /** Peers that are refused although all else is well. Default: none. */
  readonly denylist?: Denylist | undefined;
  /** What the verdict may cost. Default: {@linkcode DEFAULT_VERDICT_LIMITS}. */
  readonly limits?: Partial<VerdictLimits> | undefined;
  /** Whether the peer is refused in any case and only the reason is asked: for three quarters of the work. Default false. */
  readonly onlyReason?: boolean | undefined;
  /** Counts the work, and limits it instead of `limits.work`. Default: a count of its own. */
  readonly work?: Work | undefined;
}

/** A peer that is who it should be. */
export interface Trusted {
  /** Distinguishes the two results. */
  readonly trusted: true;
  /** Who the peer is. */
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
  /** Distinguishes the two results. */
  readonly trusted: false;
  /** The word of the vocabulary; what a refused client receives is `peerReasonOf`. */
  readonly reason: CertificateReason;
  /** The broken rule, a stable word such as `path.signature`; also in the evidence. */
  readonly rule: string;
  /** What was found, for a person to act on. */
  readonly evidence: HandshakeEvidence;
}

/** The answer to a {@linkcode PeerQuestion}. */
export type Verdict = Trusted | Refused;
