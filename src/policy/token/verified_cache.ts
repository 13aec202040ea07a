import { createHash } from "node:crypto";
import type { PresentedCall, PresentingPeer, VerifiedToken } from "./authenticator.ts";

/** Verified tokens that are remembered. */
export const CACHED_TOKENS = 10_000;

/** A token that was verified, and what vouched for it. */
export interface CachedToken {
  /** What it says. */
  readonly verified: VerifiedToken & { readonly expiresAt: number };
  /** The key that verified it. */
  readonly key: string;
}

/**
 * Remembers which tokens were verified: by the SHA-256 of the token, never the token itself, together with the
 * peer's certificate and what the verification was asked for. The one that was not used for longest makes room.
 */
export class VerifiedCache {
  readonly #entries = new Map<string, CachedToken>();
  readonly #max: number;

  /** @param max How many tokens are remembered. */
  constructor(max: number = CACHED_TOKENS) {
    this.#max = max;
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** What was verified, unless it has ended. */
  get(key: string, now: number): CachedToken | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (now >= entry.verified.expiresAt) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }

  /** Remembers a token. */
  set(key: string, entry: CachedToken): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#max) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    this.#entries.set(key, entry);
  }

  /** Forgets a token. */
  delete(key: string): void {
    this.#entries.delete(key);
  }
}

/** The last key of each peer: one that is put together anew for each call is also hashed for each. */
const lastKeys = new WeakMap<PresentingPeer, { readonly digest: string; readonly key: string }>();

/** What a token is remembered by. */
export function cacheKey(
  { token, tokenDigest: digest = digestOf(token), peer }: PresentedCall,
): string {
  const last = lastKeys.get(peer);
  if (last?.digest === digest) return last.key;
  // Bindings hold for the certificate, or for the names of a peer that is proven without one.
  const key = `${digest} ${peer.fingerprint ?? JSON.stringify(peer.names)}`;
  lastKeys.set(peer, { digest, key });
  return key;
}

/** What stands for a token where the token itself must not be kept. */
export function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
