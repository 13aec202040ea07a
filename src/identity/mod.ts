/**
 * The trust verdict: whether a presented chain of certificates is a peer we trust under a name we
 * expect, decided from strict DER without the platform's word.
 *
 * Pure and synchronous. Parsers return a value or a {@linkcode CertificateFault}; nothing a peer
 * sends makes them throw.
 *
 * @module
 */
export * from "./certificate.ts";
export * from "./certificate_fault.ts";
export * from "./denylist.ts";
export { type DistinguishedName, formatName, type NameAttribute } from "./distinguished_name.ts";
export type {
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  Extensions,
  KeyUsage,
} from "./extensions.ts";
export type { GeneralName, OtherNameForm } from "./general_name.ts";
export * from "./identity_pattern.ts";
export { leafFault } from "./leaf_rules.ts";
export * from "./limits.ts";
export type { NameConstraints, Subtree } from "./name_constraints.ts";
export { matchesPeer } from "./name_match.ts";
export { proveOwnAuthorities } from "./own_authorities.ts";
export type { PathFault } from "./path_fault.ts";
export * from "./peer_identity.ts";
export * from "./peer_role.ts";
export * from "./pem.ts";
export * from "./proven_signatures.ts";
export type { PublicKey, PublicKeyKind } from "./public_key.ts";
export type { SignatureAlgorithm } from "./signature_algorithm.ts";
export * from "./spiffe_id.ts";
export { summarize } from "./summary.ts";
export * from "./trust_anchors.ts";
export * from "./verdict.ts";
