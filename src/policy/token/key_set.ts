import { createPublicKey, type JsonWebKey } from "node:crypto";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { unusable } from "../../errors/mod.ts";

/** A key of a set, and what it may verify. */
export interface VerificationKey {
  /** The key's id, where the set names one. */
  readonly kid: string | undefined;
  /** The algorithm that the set allows it for; `undefined` where the set does not say. */
  readonly alg: string | undefined;
  /** What distinguishes it from other keys: its public members, in a fixed order. */
  readonly fingerprint: string;
  /** The key for one algorithm. */
  forAlgorithm(alg: string): Promise<CryptoKey>;
}

/** Keys of a set that are used; a set that holds more is refused. */
const MAX_KEYS = 100;

/** Keys that are tried for one token where the set gives several one id, or the token names none. */
const MAX_CANDIDATES = 4;

/**
 * A JSON Web Key Set (RFC 7517 §5), by the rules of RFC 8725: symmetric keys, private keys, keys for
 * encryption and keys that cannot be read are not in it.
 */
export class KeySet {
  readonly #keys: readonly VerificationKey[];

  private constructor(keys: readonly VerificationKey[]) {
    this.#keys = keys;
  }

  /**
   * Reads a set.
   *
   * @throws {Error} Where it is not a set, or holds no key that can verify a signature.
   */
  static from(value: unknown): KeySet {
    const keys = typeof value === "object" && value !== null
      ? (value as { keys?: unknown }).keys
      : undefined;
    if (!Array.isArray(keys)) throw new Error('a JSON Web Key Set is an object with "keys"');
    if (keys.length > MAX_KEYS) {
      throw new Error(`the key set holds ${keys.length} keys, the limit is ${MAX_KEYS}`);
    }
    const usable = keys.filter(canVerify).map(publicOf).filter(isReadable).map(verificationKey);
    if (usable.length === 0) throw new Error("the key set holds no key that verifies signatures");
    return new KeySet(usable);
  }

  /** How many keys it holds. */
  get size(): number {
    return this.#keys.length;
  }

  /**
   * The keys that may have signed a token: those of its `kid`, or, where it names none, those that suit its
   * algorithm, unless there are more than four. AD FS names none, and has two keys while it changes them.
   */
  candidates(alg: string, kid: string | undefined): readonly VerificationKey[] {
    const suitable = this.#keys.filter((key) =>
      (key.alg === undefined || key.alg === alg) && SUITS[alg]?.(key.fingerprint) === true
    );
    if (kid === undefined) return suitable.length <= MAX_CANDIDATES ? suitable : [];
    return suitable.filter((key) => key.kid === kid).slice(0, MAX_CANDIDATES);
  }

  /** Whether a key is in it. */
  has(fingerprint: string): boolean {
    return this.#keys.some((key) => key.fingerprint === fingerprint);
  }
}

/**
 * The set of a setting, checked at once.
 *
 * @throws {ConfigurationError} Where it is not a usable set.
 */
export function configuredKeySet(value: unknown, setting: string): KeySet {
  try {
    return KeySet.from(value);
  } catch (cause) {
    throw unusable(setting, `${setting}: ${(cause as Error).message}`, cause);
  }
}

/** The members that make a public key (RFC 7638 §3.2, RFC 8037 §2), in the order of its thumbprint. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
  RSA: ["e", "kty", "n"],
};

/** Which keys an algorithm takes: a key of another kind must never be asked (RFC 8725 §2.1, §3.1). */
const SUITS: Readonly<Record<string, (fingerprint: string) => boolean>> = {
  ES256: (key) => key.includes('"crv":"P-256"'),
  ES384: (key) => key.includes('"crv":"P-384"'),
  ES512: (key) => key.includes('"crv":"P-521"'),
  EdDSA: (key) => key.includes('"crv":"Ed25519"'),
  Ed25519: (key) => key.includes('"crv":"Ed25519"'),
  ...Object.fromEntries(
    ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"].map((
      alg,
    ) => [alg, (key: string) => key.includes('"kty":"RSA"')]),
  ),
};

function canVerify(jwk: unknown): jwk is JWK & { kty: string } {
  if (typeof jwk !== "object" || jwk === null) return false;
  const { kty, use, key_ops: operations, d } = jwk as JWK;
  const members = typeof kty === "string" && Object.hasOwn(PUBLIC_MEMBERS, kty)
    ? PUBLIC_MEMBERS[kty]
    : undefined;
  return members !== undefined && d === undefined && (use === undefined || use === "sig") &&
    (operations === undefined ||
      (Array.isArray(operations) && operations.includes("verify"))) &&
    members.every((member) => typeof (jwk as Record<string, unknown>)[member] === "string");
}

interface PublicKey {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly members: JWK;
}

function publicOf(jwk: JWK & { kty: string }): PublicKey {
  const members = Object.fromEntries(
    PUBLIC_MEMBERS[jwk.kty]!.map((member) => [member, (jwk as Record<string, unknown>)[member]]),
  ) as JWK;
  const { kid, alg } = jwk;
  return {
    kid: typeof kid === "string" ? kid : undefined,
    alg: typeof alg === "string" ? alg : undefined,
    members,
  };
}

/** Whether the platform reads it as a key: as a point on its curve, for instance. */
function isReadable({ members }: PublicKey): boolean {
  try {
    createPublicKey({ key: members as JsonWebKey, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

function verificationKey({ kid, alg, members }: PublicKey): VerificationKey {
  const imported = new Map<string, Promise<CryptoKey>>();
  return {
    kid,
    alg,
    fingerprint: JSON.stringify(members),
    forAlgorithm(alg) {
      const known = imported.get(alg);
      if (known !== undefined) return known;
      const key = importJWK(members, alg) as Promise<CryptoKey>;
      imported.set(alg, key);
      return key;
    },
  };
}
