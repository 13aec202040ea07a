import { parseSpiffeId, type SpiffeId } from "../../identity/mod.ts";
import { escapePeerText } from "../../errors/mod.ts";
import { loggerFor } from "../../observe/mod.ts";
import { type Claims, keysUnreachable, unauthenticated } from "./authenticator.ts";
import { KeySet } from "./key_set.ts";
import type { Keys } from "./refreshed_keys.ts";

/**
 * The keys of SPIFFE trust domains: those of a domain vouch for a `sub` of that domain, and for no other
 * (SPIFFE Trust Domain and Bundle §4.1).
 */
export class TrustDomainKeys {
  readonly #waitMs: number;
  readonly #first = Promise.withResolvers<void>();
  #sets: ReadonlyMap<string, KeySet> | undefined;

  /** @param waitMs How long tokens wait for the first keys, in milliseconds. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Replaces the keys. A set that is not valid is reported; the last good one of its domain stays. */
  take(bundles: ReadonlyMap<string, unknown>): void {
    const sets = new Map<string, KeySet>();
    for (const [domain, bundle] of bundles) {
      try {
        const jwks = signatureKeys(bundle);
        if (jwks.length > 0) sets.set(domain, KeySet.from({ keys: jwks }));
      } catch (error) {
        const last = this.#sets?.get(domain);
        if (last !== undefined) sets.set(domain, last);
        loggerFor("security").warn("the keys of trust domain {domain} are not used: {message}", {
          domain,
          message: escapePeerText((error as Error).message),
        });
      }
    }
    this.#sets = sets;
    this.#first.resolve();
  }

  /**
   * The keys that may vouch for claims.
   *
   * @throws {AuthenticationError} `token-malformed` where `sub` is not the SPIFFE ID of a workload.
   */
  of({ sub }: Claims): Keys {
    const { trustDomain } = workloadId(sub);
    return {
      candidates: (alg, kid) => {
        const found = () => this.#sets?.get(trustDomain)?.candidates(alg, kid) ?? [];
        return this.#sets === undefined ? this.#arrived().then(found) : found();
      },
      vouches: (fingerprint) => this.#sets?.get(trustDomain)?.has(fingerprint) === true,
    };
  }

  async #arrived(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setTimeout(() => reject(keysUnreachable()), this.#waitMs);
    });
    try {
      await Promise.race([this.#first.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * The SPIFFE ID that a token names.
 *
 * @throws {AuthenticationError} `token-malformed` where it names none of a workload.
 */
export function workloadId(sub: unknown): SpiffeId {
  const id = typeof sub === "string" ? parseSpiffeId(sub) : undefined;
  if (id !== undefined && id.segments.length > 0) return id;
  throw unauthenticated("token-malformed", "the token's sub is not the SPIFFE ID of a workload");
}

/**
 * The keys of a bundle that verify tokens: those of `use` `jwt-svid` (SPIFFE Trust Domain and Bundle §4.2.2), or of
 * none as the Workload API gives them; a bundle may hold no key at all.
 */
function signatureKeys(bundle: unknown): readonly unknown[] {
  const keys = (bundle as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error('a JSON Web Key Set is an object with "keys"');
  return keys.flatMap((key) => {
    if (typeof key !== "object" || key === null) return [];
    const { use, ...rest } = key as Readonly<Record<string, unknown>>;
    return use === undefined || use === "jwt-svid" || use === "sig" ? [rest] : [];
  });
}
