import type { TokenRequirement } from "./authenticator.ts";
import type { JwtAlgorithm } from "./compact_jwt.ts";
import type { KeySetOptions } from "./key_settings.ts";

/** Which tokens are accepted, and by whose keys they are verified. */
export interface JwtOptions extends KeySetOptions {
  /** Who issues the tokens: the exact value of `iss`, or several of which any will do. */
  readonly issuer: string | readonly string[];
  /**
   * Whom the tokens are for: this worker's identity, or the name of its pool. One value of a token's `aud`
   * must be this, or one of these.
   */
  readonly audience: string | readonly string[];
  /** What a call must show. Default: `token`. */
  readonly require?: TokenRequirement;
  /** The signature algorithms that are accepted. Default: all of {@linkcode JwtAlgorithm}. */
  readonly algorithms?: readonly JwtAlgorithm[];
  /** How far the clocks of issuer and worker may differ, in seconds, at most 300. Default 30. */
  readonly clockToleranceS?: number;
  /**
   * The types of token that are accepted (`typ`, RFC 8725 §3.11), without `application/`. Default: `JWT`,
   * `at+jwt` and none, so that no token made for another purpose is taken for an access token.
   */
  readonly types?: readonly string[];
}
