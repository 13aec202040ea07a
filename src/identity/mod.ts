/**
 * The trust verdict: whether a presented chain of certificates is a peer we trust under a name we
 * expect, decided from strict DER without the platform's word.
 *
 * Pure; synchronous, or in steps between which its caller makes the signature checks. Parsers return a value or a {@linkcode CertificateFault}; nothing a peer
 * sends makes them throw.
 *
 * @module
 */
export { isTrustDomain } from "./names/spiffe_id.ts";
export type { CertificateAdvice as Advice } from "../errors/mod.ts";
export { adviceOn } from "./advice.ts";
export * from "./certificate/certificate.ts";
export * from "./certificate/certificate_fault.ts";
export * from "./denylist.ts";
export { sameBytes } from "./der/bytes.ts";
export { DerReader, readSequence } from "./der/der.ts";
export { TAG } from "./der/der_values.ts";
export { formatName } from "./certificate/distinguished_name.ts";
export type { GeneralName } from "./certificate/general_name.ts";
export * from "./names/identity_pattern.ts";
export { type Check, decidedAtOnce, type Steps } from "./path/check.ts";
export type { VerdictMode } from "./path/advised.ts";
export {
  endingAuthority,
  expiredAuthority,
  ownAnchor,
  ownChainFault,
  type OwnChainQuestion,
  ownLeafFault,
} from "./own_chain.ts";
export { knownVerdict } from "./known_verdicts.ts";
export { unsuitableAdvice } from "./issuer_settings.ts";
export { ruleText } from "./rule_text.ts";
export { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "./path/limits.ts";
export { namedPeer } from "./named_peer.ts";
export { matchesPeer } from "./name_match.ts";
export { proveOwnAuthorities } from "./path/own_authorities.ts";
export type { PathFault } from "./path/path_fault.ts";
export * from "./names/peer_identity.ts";
export type * from "./peer_question.ts";
export * from "./path/peer_role.ts";
export { otherEncoding } from "./certificate/other_encoding.ts";
export * from "./certificate/pem.ts";
export * from "./path/proven_signatures.ts";
export type { PublicKey } from "./certificate/public_key.ts";
export * from "./names/spiffe_id.ts";
export { Work } from "./certificate/work.ts";
export { summarize } from "./certificate/summary.ts";
export * from "./path/trust_anchors.ts";
export * from "./verdict.ts";
