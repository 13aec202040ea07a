/**
 * Verifying the tokens of callers.
 *
 * @module
 */
export * from "./authenticator.ts";
export {
  JWT_ALGORITHMS,
  type JwtAlgorithm,
  MAX_TOKEN_LENGTH,
  readUnverifiedClaims,
} from "./compact_jwt.ts";
export { spiffeJwtSvids } from "./jwt_svid.ts";
export type { JwtSvidVerification } from "./jwt_svid_options.ts";
export { jwt } from "./jwt.ts";
export type { JwtOptions } from "./jwt_options.ts";
export { kubernetesServiceAccount } from "./kubernetes_service_account.ts";
export type { KubernetesServiceAccountOptions } from "./kubernetes_options.ts";
export { type PortableAuthenticator, portableAuthenticator } from "./portable.ts";
export { type AuthenticatorNeeds, needsOf, receivedAuthenticator } from "./received.ts";
export type { JsonWebKeySet, KeySetOptions } from "./key_settings.ts";
export { digestOf as tokenDigestOf } from "./verified_cache.ts";
export {
  type NonceKey,
  payloadDigest,
  signCall,
  type SignedCall,
  signedNonce,
  type SignedNonceOptions,
} from "./signed_nonce.ts";
