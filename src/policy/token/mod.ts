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
export { jwt, type JwtOptions } from "./jwt.ts";
export type { JsonWebKeySet, KeySetOptions } from "./key_settings.ts";
export {
  type NonceKey,
  payloadDigest,
  signCall,
  type SignedCall,
  signedNonce,
  type SignedNonceOptions,
} from "./signed_nonce.ts";
