import { errors, type JWTPayload, jwtVerify } from "jose";
import {
  type AuthenticationError,
  type ConfigurationError,
  insistOnNames,
  Overloaded,
  unusable,
} from "../../errors/mod.ts";
import {
  type Authenticator,
  type Claims,
  type PresentedCall,
  type TokenRequirement,
  unauthenticated,
  type VerifiedToken,
} from "./authenticator.ts";
import { checkBinding } from "./binding.ts";
import {
  JWT_ALGORITHMS,
  type JwtHeader,
  readJwtHeader,
  readUnverifiedClaims,
} from "./compact_jwt.ts";
import type { JwtOptions } from "./jwt_options.ts";
import type { VerificationKey } from "./key_set.ts";
import { type KeySetOptions, keysFrom } from "./key_settings.ts";
import { JWT_NAMES } from "./option_names.ts";
import { remembered } from "./portable.ts";
import type { Keys } from "./refreshed_keys.ts";
import { cacheKey, VerifiedCache } from "./verified_cache.ts";

/**
 * Verifies JSON Web Tokens (RFC 7519), by the rules of RFC 8725: only signatures with a public key, only keys
 * of the settings, each only with its own kind of algorithm; `exp`, the issuer and the audience are required.
 * What was verified is remembered until it ends or its key leaves the key set.
 *
 * @throws {ConfigurationError} If an option is missing or cannot be used.
 */
export function jwt(options: JwtOptions): Authenticator {
  insistOnNames("jwt()", options, JWT_NAMES);
  const { require = "token" } = options;
  const rules = jwtRules(options);
  const keys = keysFrom(options);
  const verifier = new JwtVerifier({ rules, keysOf: () => keys, require });
  return remembered(
    { require, authenticate: (call) => verifier.authenticate(call) },
    { kind: "jwt", options },
  );
}

/** What a token must say. */
export interface JwtRules {
  /** Who must have issued it; `undefined` where its keys say enough. */
  readonly issuer: readonly string[] | undefined;
  readonly audience: readonly string[];
  readonly algorithms: ReadonlySet<string>;
  readonly clockToleranceS: number;
  /** In lower case. */
  readonly types: ReadonlySet<string>;
}

/**
 * Checks the rules of settings.
 *
 * @throws {ConfigurationError} If one cannot be used.
 */
export function jwtRules(options: Omit<JwtOptions, keyof KeySetOptions>): JwtRules {
  return { ...rulesOfKeys(options), issuer: texts(options.issuer, "issuer") };
}

/**
 * Checks the rules of settings where the keys themselves say who issued a token.
 *
 * @throws {ConfigurationError} If one cannot be used.
 */
export function rulesOfKeys(options: Omit<JwtOptions, keyof KeySetOptions | "issuer">): JwtRules {
  const { clockToleranceS = 30, algorithms = JWT_ALGORITHMS, types = ["JWT", "at+jwt"] } = options;
  if (!(clockToleranceS >= 0 && clockToleranceS <= 300)) {
    throw wrong("clockToleranceS", `is a number of seconds from 0 to 300, not ${clockToleranceS}`);
  }
  const unknown = algorithms.find((name) => !JWT_ALGORITHMS.includes(name));
  if (unknown !== undefined || algorithms.length === 0) {
    throw wrong(
      "algorithms",
      `is a list of ${JWT_ALGORITHMS.join(", ")}, not ${JSON.stringify(unknown ?? [])}`,
    );
  }
  return {
    issuer: undefined,
    audience: texts(options.audience, "audience"),
    algorithms: new Set(algorithms),
    clockToleranceS,
    types: new Set(types.map((type) => type.toLowerCase())),
  };
}

/** The values of a setting that must be given. */
export function texts(value: unknown, setting: string): readonly string[] {
  const values = typeof value === "string" ? [value] : value;
  if (
    Array.isArray(values) && values.length > 0 &&
    values.every((text) => typeof text === "string" && text.trim() !== "")
  ) return values;
  throw wrong(setting, "is required: one text that is not blank, or several");
}

/** What a verifier is given. */
export interface JwtVerifierOptions {
  readonly rules: JwtRules;
  /** The keys that may vouch for claims, which may not be verified yet; they are read where they matter. */
  readonly keysOf: (claims: () => Claims) => Keys;
  readonly require: TokenRequirement;
  /** Judges the claims further; throws where they do not do. */
  readonly check?: (claims: JWTPayload) => void;
}

/** Verifications under way at once; a cached token does not count. */
const MAX_VERIFYING = 256;

/** Verifies tokens and remembers those that were valid. */
export class JwtVerifier {
  readonly #options: JwtVerifierOptions;
  readonly #cache = new VerifiedCache();
  #verifying = 0;

  /** By rules and keys. */
  constructor(options: JwtVerifierOptions) {
    this.#options = options;
  }

  /** Verifies the token of a call; at once where it was verified before. */
  authenticate(call: PresentedCall): VerifiedToken | Promise<VerifiedToken> {
    const key = cacheKey(call);
    const known = this.#cache.get(key, call.now);
    if (known !== undefined) {
      if (this.#options.keysOf(() => known.verified.claims).vouches(known.key, call.now)) {
        return known.verified;
      }
      this.#cache.delete(key);
    }
    return this.#verify(call, key);
  }

  async #verify(call: PresentedCall, key: string): Promise<VerifiedToken> {
    if (this.#verifying >= MAX_VERIFYING) {
      throw new Overloaded(`${MAX_VERIFYING} tokens are being verified`);
    }
    this.#verifying += 1;
    try {
      const { token, peer, now } = call;
      const { rules, keysOf, require, check } = this.#options;
      const header = readJwtHeader(token);
      checkHeader(header, rules);
      const { alg, kid } = header;
      const candidates = await keysOf(() => readUnverifiedClaims(token))
        .candidates(alg, kid, now);
      if (candidates.length === 0) {
        throw unauthenticated("token-unknown-key", "no key that is known signed the token");
      }
      const { payload: claims, signer } = await verifyWithAny(candidates, token, alg, rules, now);
      check?.(claims);
      checkBinding(claims, peer, require === "both");
      const expiresAt = (claims.exp! + rules.clockToleranceS) * 1_000;
      const verified = { claims: frozen(claims), expiresAt };
      this.#cache.set(key, { verified, key: signer.fingerprint });
      return verified;
    } finally {
      this.#verifying -= 1;
    }
  }
}

function checkHeader({ alg, typ }: JwtHeader, { algorithms, types }: JwtRules): void {
  // `none` and the symmetric algorithms are in no such set (RFC 8725 §3.1).
  if (!algorithms.has(alg)) {
    throw unauthenticated("token-bad-signature", "the token's algorithm is not accepted");
  }
  if (typ !== undefined && !types.has(typ.toLowerCase().replace(/^application\//, ""))) {
    throw unauthenticated("token-invalid", "the token is of another type");
  }
}

async function verifyWithAny(
  candidates: readonly VerificationKey[],
  token: string,
  alg: string,
  rules: JwtRules,
  now: number,
): Promise<{ payload: JWTPayload; signer: VerificationKey }> {
  let last: unknown;
  for (const signer of candidates) {
    try {
      const { payload } = await jwtVerify(token, await signer.forAlgorithm(alg), {
        algorithms: [alg],
        ...(rules.issuer === undefined ? {} : { issuer: [...rules.issuer] }),
        audience: [...rules.audience],
        clockTolerance: rules.clockToleranceS,
        currentDate: new Date(now),
        requiredClaims: ["exp"],
      });
      return { payload, signer };
    } catch (error) {
      last = error;
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
    }
  }
  throw named(last);
}

/** The reason in a word, and nothing of the token. */
function named(error: unknown): AuthenticationError {
  if (error instanceof errors.JWTExpired) {
    return unauthenticated("token-expired", "the token has expired");
  }
  if (error instanceof errors.JWTClaimValidationFailed) return ofClaim(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthenticated("token-bad-signature", "the token's signature is invalid");
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return unauthenticated("token-malformed", "the token is not a signed JWT");
  }
  return unauthenticated("token-invalid", "the token cannot be verified");
}

function ofClaim({ claim, reason }: errors.JWTClaimValidationFailed): AuthenticationError {
  const missing = reason === "missing";
  // One that is there and is no time at all says nothing about when the token is valid.
  switch (claim === "nbf" && reason === "invalid" ? "" : claim) {
    case "aud":
      return unauthenticated(
        "token-wrong-audience",
        missing ? 'the token names no audience ("aud")' : "the token is not for this worker",
      );
    case "iss":
      return unauthenticated(
        "token-wrong-issuer",
        missing ? 'the token names no issuer ("iss")' : "the token is from another issuer",
      );
    case "nbf":
      return unauthenticated("token-not-yet-valid", "the token is not valid yet");
    default:
      return unauthenticated(
        "token-malformed",
        `the token's "${claim}" is missing, or not what it must be`,
      );
  }
}

/** The claims are shared by every call with this token. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

function wrong(setting: string, problem: string): ConfigurationError {
  return unusable(setting, `${setting} ${problem}`);
}
