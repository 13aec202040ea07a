import { AuthenticationError, type AuthenticationReason } from "../../errors/mod.ts";
import type { CallPeer } from "../../routine/mod.ts";
import { present } from "../../values/mod.ts";

/**
 * What a call must show.
 *
 * - `token`: a token that is valid, whatever the connection proves.
 * - `both`: an identity that the connection proves, and a token that is bound to its certificate.
 * - `either`: a proven identity or a token; a token that is there must be valid all the same.
 */
export type TokenRequirement = "token" | "both" | "either";

/** A call whose header section has arrived, as it is shown to what verifies tokens. */
export interface PresentedCall {
  /** The token of `authorization: Bearer …`, never empty. */
  readonly token: string;
  /** SHA-256 over the token, base64url, where it is known already. */
  readonly tokenDigest?: string;
  /** The routine, or `package.Service/Method`. */
  readonly routine: string;
  /** Who calls, as far as the connection proves it. */
  readonly peer: PresentingPeer;
  /** The id of the worker that is called. */
  readonly workerId: string;
  /**
   * When this worker began, in milliseconds since the epoch, where another one before it may have had the same id.
   * Default: none had.
   */
  readonly idSince?: number;
  /** The time, in milliseconds since the epoch. */
  readonly now: number;
}

/** The peer that presents a token. */
export interface PresentingPeer extends CallPeer {
  /** SHA-256 over its certificate's DER, lower-case hexadecimal; absent where it presented none. */
  readonly fingerprint?: string;
}

/** What a token that is valid says. */
export interface VerifiedToken {
  /** Its claims, for the policy and for `currentCall().claims`. */
  readonly claims: Claims;
  /** When it ends, in milliseconds since the epoch; streams end then unless renewed. Default: never. */
  readonly expiresAt?: number;
  /** SHA-256 over the encoded arguments which the token was made for, lower-case hexadecimal. */
  readonly payloadDigest?: string;
}

/** The claims of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * Verifies the token of one call. What it throws refuses the call: an {@linkcode AuthenticationError} with its
 * own reason, anything else as `token-invalid`.
 */
export type Authenticate = (call: PresentedCall) => VerifiedToken | Promise<VerifiedToken>;

/** Verifies tokens, and says what a call must show. */
export interface Authenticator {
  /** What a call must show. */
  readonly require: TokenRequirement;
  /** Verifies the token of one call. */
  readonly authenticate: Authenticate;
  /**
   * Opens what verification needs for as long as the worker runs, a stream of keys for instance.
   * Default: nothing.
   */
  readonly open?: () => AsyncDisposable;
}

/** An {@linkcode AuthenticationError} in few words. */
export function unauthenticated(
  reason: AuthenticationReason,
  message: string,
  cause?: unknown,
): AuthenticationError {
  return new AuthenticationError(message, { reason, ...present({ cause }) });
}

/** The error of every token while there are no keys to verify it by. */
export function keysUnreachable(): AuthenticationError {
  const message = "the worker cannot read the keys that tokens are verified by";
  return unauthenticated("key-set-unreachable", message);
}
