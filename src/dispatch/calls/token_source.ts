import { unusable } from "../../errors/mod.ts";
import {
  type NonceKey,
  readUnverifiedClaims,
  signCall,
  type SignedCall,
} from "../../policy/mod.ts";

/** A token, and when it ends. */
export interface IssuedToken {
  /** The token. */
  readonly token: string;
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Gives the token of now; asked once at a time, and again when the last one is near its end. Calls wait for it as long
 * as they may take; where it has given nothing for a minute, the next call asks once more.
 */
export type ProvideToken = () => string | IssuedToken | Promise<string | IssuedToken>;

/** Makes a token for one call and no other. */
export interface CallSigner {
  /** Signs one call. */
  readonly sign: (call: SignedCall) => string;
}

/**
 * Where a caller's token comes from: itself, a function that gives the one of now, or what signs each call.
 * What a function gives is kept until near its end where it has one, by `expiresAt` or as the `exp` of a
 * JWT; any other is asked for again with every call.
 */
export type TokenSource = string | ProvideToken | CallSigner;

/**
 * Signs every call of a routine with a key, for workers that verify by `signedNonce(...)`.
 *
 * @throws {ConfigurationError} If the key is shorter than 32 bytes.
 */
export function signNonce(key: NonceKey): CallSigner {
  if (key.key.length >= 32 && /^[A-Za-z0-9_-]{1,64}$/.test(key.id)) {
    return { sign: (call) => signCall(key, call) };
  }
  throw unusable("token", "a key to sign with has an id and at least 32 bytes");
}

/** A token is replaced this long before its end, or when a fifth of its time is left where that is less. */
const RENEW_AHEAD_MS = 60_000;

/** After so long without an answer it is asked once more, in milliseconds: one that hangs must not stop every call. */
const PATIENCE_MS = 60_000;

/** The token of a {@linkcode ProvideToken}, kept until near its end and asked for once at a time. */
export class KeptToken {
  readonly #provide: ProvideToken;
  #kept: { token: string; renewAt: number; expiresAt: number } | undefined;
  #asking: Promise<string> | undefined;
  #askedAt = -Infinity;

  /** Over a source, which is asked when the first call needs a token. */
  constructor(provide: ProvideToken) {
    this.#provide = provide;
  }

  /** When the token that is kept is to be replaced, in milliseconds since the epoch. */
  get renewAt(): number | undefined {
    return this.#kept?.renewAt;
  }

  /** The token of now. While a replacement is under way, the old one is used as long as it holds. */
  now(now: number = Date.now()): string | Promise<string> {
    const kept = this.#kept;
    if (kept !== undefined && now < kept.renewAt) return kept.token;
    const asking = this.#asking !== undefined && now - this.#askedAt <= PATIENCE_MS
      ? this.#asking
      : this.#askOnce(now);
    return kept === undefined || now >= kept.expiresAt ? asking : kept.token;
  }

  #askOnce(now: number): Promise<string> {
    const asking = this.#ask(now).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    // While another token holds nobody waits; its failure shows where that has ended.
    asking.catch(() => {});
    this.#askedAt = now;
    return this.#asking = asking;
  }

  async #ask(now: number): Promise<string> {
    const given: unknown = await this.#provide();
    if (!isToken(given)) {
      throw unusable(
        "token",
        "the function given as token is to give a token, as text or as { token, expiresAt }, and gave neither",
      );
    }
    const token = typeof given === "string" ? given : given.token;
    // It was asked once more meanwhile: what is kept is of then.
    if (now < this.#askedAt) return token;
    const expiresAt = typeof given === "string" ? endOf(given) : given.expiresAt;
    const leftMs = expiresAt === undefined ? 0 : expiresAt - now;
    this.#kept = expiresAt === undefined || !(leftMs > 0)
      ? undefined
      : { token, expiresAt, renewAt: expiresAt - Math.min(RENEW_AHEAD_MS, leftMs / 5) };
    return token;
  }
}

function isToken(given: unknown): given is string | IssuedToken {
  return typeof given === "string" ||
    typeof (given as Partial<IssuedToken> | null | undefined)?.token === "string";
}

/** When a token of our own ends, where it is a JWT; a worker verifies it, we only read it. */
function endOf(token: string): number | undefined {
  try {
    const { exp } = readUnverifiedClaims(token);
    return typeof exp === "number" ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
