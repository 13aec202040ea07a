import type {
  CertificateAdvice,
  CertificateSummary,
  HandshakeFailure,
  HandshakeReason,
  HandshakeSide,
} from "../../errors/mod.ts";
import type { ChannelSecurity, EventBase, PeerRef } from "./event_base.ts";

/** A peer is proven, allowed and connected; emitted by either end. */
export interface PeerAccepted extends EventBase<"peer.accepted"> {
  /** The end that emits it. */
  readonly side: HandshakeSide;
  /** Who is at the other end. */
  readonly peer: PeerRef;
  /** SHA-256 over the certificate it presented, lower-case hexadecimal; absent where it presented none. */
  readonly fingerprint?: string;
  /** How the connection is protected. */
  readonly security: ChannelSecurity;
  /**
   * The group of the key exchange, `x25519` or `X25519MLKEM768` for instance; `unknown` with TLS 1.2 and at the
   * platform's own listener; absent without TLS.
   */
  readonly keyExchange?: string;
  /** The listener's or the credentials' generation the peer was judged by. */
  readonly generation?: number;
  /** Whether the TLS session was a resumed one. */
  readonly resumed?: boolean;
}

/** The certificate of a peer that is connected ends soon, or has ended. Reported once a stage. */
export interface PeerExpiring extends EventBase<"peer.expiring"> {
  /** The end that reports it; the certificate is the other's. */
  readonly side: HandshakeSide;
  /** Whose certificate it is. */
  readonly peer: PeerRef;
  /** How far gone it is: two thirds of its lifetime, nine tenths, or all of it. */
  readonly stage: "two-thirds" | "nearly-over" | "expired";
  /** Seconds until it expires; negative once it has. */
  readonly secondsLeft: number;
}

/** A dispatcher could not prove a worker, or was refused by it. */
export interface HandshakeFailed extends EventBase<"handshake.failed">, HandshakeFailure {}

/** Why a worker has no connection with a client: it refused it, or the client would not go on. */
export type RefusalReason = HandshakeReason | "subject-not-allowed";

/** A worker refused a client, or a client refused the worker's certificate. */
export interface HandshakeRefused
  extends EventBase<"handshake.refused">, Pick<HandshakeFailure, "peerReason" | "evidence"> {
  /** `worker` where we refused, `dispatcher` where the client would not go on. */
  readonly side: HandshakeSide;
  /** Why, in one word of the vocabulary. */
  readonly reason: RefusalReason;
  /** Who it was, as far as its certificate says. */
  readonly peer: PeerRef;
}

/** New credentials are in use. */
export interface CredentialsRotated extends EventBase<"credentials.rotated"> {
  /** The generation of the new credentials, rising by one. */
  readonly generation: number;
  /** SHA-256 over all of the new credentials, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** The fingerprint of those they replace. */
  readonly previousFingerprint: string;
  /** The new certificate, where we have one of our own. */
  readonly certificate?: CertificateSummary;
  /** The names we present with it, as patterns write them. */
  readonly identities: readonly string[];
  /** Certificates of the new bundles that are not used, for they break a rule. */
  readonly skipped: number;
}

/** Why new credentials were not adopted. */
export type CredentialsFault =
  /** A file or a provider could not be read. */
  | "unreadable"
  /** A part is missing or empty. */
  | "incomplete"
  /** Something is not PEM, or not a certificate by strict DER. */
  | "malformed"
  /** The private key is not the certificate's. */
  | "key-mismatch"
  /** The certificate has expired. */
  | "expired"
  /** The certificate is not valid yet. */
  | "not-yet-valid"
  /** The certificate cannot serve this purpose. */
  | "unsuitable"
  /** The provider threw or gave nothing. */
  | "provider-failed";

/** New credentials cannot be used; the last good ones stay. */
export interface CredentialsRejected extends EventBase<"credentials.rejected"> {
  /** What is wrong with them. */
  readonly reason: CredentialsFault;
  /** One sentence: what was found, where. */
  readonly message: string;
  /** The generation that stays in use; absent where no usable one has been adopted yet. */
  readonly keptGeneration?: number;
  /** The certificate that stays in use. */
  readonly keptCertificate?: CertificateSummary;
  /** Whether what stays in use has itself expired. */
  readonly keptExpired: boolean;
  /** How long the start still waits for a first version, in milliseconds; absent where it does not. */
  readonly waitsMs?: number;
}

/**
 * What our certificates could do better, and how many of the bundles are skipped; emitted once for each version that
 * is adopted, where there is any.
 */
export interface CredentialsAdvice extends EventBase<"credentials.advice"> {
  /** The generation that was adopted. */
  readonly generation: number;
  /** The advice, our own certificate's first; at most 16. */
  readonly advice: readonly CertificateAdvice[];
  /** How many there are in all. */
  readonly total: number;
  /** Certificates of the bundles that were skipped, for they break a rule; the log names each. */
  readonly skipped: number;
}

/** Our own certificate grows old or has expired, or an authority of its chain has that ends before it. */
export interface CredentialsExpiring
  extends EventBase<"credentials.expiring">, Pick<PeerExpiring, "stage" | "secondsLeft"> {
  /** Our own certificate. */
  readonly certificate: CertificateSummary;
  /**
   * The subject of the authority that ends first, with which our certificate is of no use to peers that trust what we
   * trust. Absent where our certificate itself ends first.
   */
  readonly authority?: string;
}

/** What protects a worker, a dispatcher or a pool; emitted once, at its start. */
export interface SecurityPosture extends EventBase<"security.posture"> {
  /** Where it listens, for a worker. */
  readonly address?: string;
  /** How connections are protected. */
  readonly security: ChannelSecurity;
  /** Whether anything less was forbidden. */
  readonly strict: boolean;
  /** Whether calls are authorized by a policy. */
  readonly policy: boolean;
  /** Whether tokens are verified, or, at a dispatcher, sent. */
  readonly tokens: boolean;
  /** What is open at a worker, and why: one sentence each. */
  readonly open?: readonly string[];
}

/** A worker listens where anyone who can reach it may call. */
export interface UnauthenticatedListener extends EventBase<"security.unauthenticated-listener"> {
  /** Where it listens. */
  readonly address: string;
  /** How the listener is protected. */
  readonly security: ChannelSecurity;
}

/** A caller without TLS was served. */
export interface PlaintextCaller extends EventBase<"security.plaintext-caller"> {
  /** Who it was. */
  readonly peer: PeerRef;
}

/** Other peers are denied from now on. */
export interface DenylistChanged extends EventBase<"denylist.changed"> {
  /** How many entries the denylist has. */
  readonly entries: number;
  /** SHA-256 over the file, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/** A new denylist cannot be used; the last good one stays. */
export interface DenylistRejected extends EventBase<"denylist.rejected"> {
  /** One sentence: what is wrong with it, and where. */
  readonly message: string;
}

/** A new policy is in force. */
export interface PolicyChanged extends EventBase<"policy.changed"> {
  /** SHA-256 over the policy, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** How many rules it has. */
  readonly rules: number;
}

/** A new policy cannot be used; the last good one stays. */
export interface PolicyRejected extends EventBase<"policy.rejected"> {
  /** One sentence: what is wrong with it, and where. */
  readonly message: string;
}

/** A token was sent to a worker that verifies none; each end emits it once. */
export interface TokenIgnored extends EventBase<"security.token-ignored"> {
  /** Which end reports it: the worker, or the dispatcher that sent the token. */
  readonly side: "worker" | "dispatcher";
  /** The other end. */
  readonly peer: PeerRef;
}

/** A worker announces a loopback address where other machines look for it: they would dial themselves. */
export interface LoopbackAnnounced extends EventBase<"security.loopback-announced"> {
  /** The discovery URL. */
  readonly source: string;
  /** The address. */
  readonly address: string;
}
