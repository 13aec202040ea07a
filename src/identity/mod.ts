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
export * from "./distinguished_name.ts";
export * from "./extensions.ts";
export * from "./general_name.ts";
export * from "./identity_pattern.ts";
export * from "./limits.ts";
export * from "./name_constraints.ts";
export * from "./peer_identity.ts";
export * from "./proven_signatures.ts";
export * from "./public_key.ts";
export * from "./signature_algorithm.ts";
export * from "./spiffe_id.ts";
export * from "./trust_anchors.ts";
export * from "./verdict.ts";
