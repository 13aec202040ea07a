/** Why a handshake failed: the whole vocabulary, in errors, events, metrics and GOAWAY. */
export type HandshakeReason =
  | CertificateReason
  | "own-certificate-invalid"
  | "client-certificate-required"
  | "client-certificate-refused"
  | "plaintext-peer"
  | "encrypted-peer"
  | "protocol-mismatch"
  | "handshake-timeout"
  | "handshake-aborted"
  | "tls-alert";

/** What can be wrong with a certificate in the eyes of the peer it was shown to. */
export type CertificateReason =
  | "untrusted-authority"
  | "identity-mismatch"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "certificate-unsuitable"
  | "certificate-denied";

/** The word a refusing peer says about *our* certificate; the only thing a refusal says. */
export type PeerReason = CertificateReason | "client-certificate-required" | "subject-not-allowed";

/** The side that would not go on: it refused, or it noticed the failure. */
export type HandshakeSide = "dispatcher" | "worker";

const PEER_REASONS: Readonly<Record<PeerReason, true>> = {
  "untrusted-authority": true,
  "identity-mismatch": true,
  "certificate-expired": true,
  "certificate-not-yet-valid": true,
  "certificate-unsuitable": true,
  "certificate-denied": true,
  "client-certificate-required": true,
  "subject-not-allowed": true,
};

/** Whether a word that came off the wire is one of ours. */
export function isPeerReason(word: unknown): word is PeerReason {
  return typeof word === "string" && Object.hasOwn(PEER_REASONS, word);
}
