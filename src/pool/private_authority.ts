import { type Authority, createAuthority } from "../credentials/mod.ts";
import type { HandedCredentials } from "./handover.ts";

/** By so much may the machine's clock be set back: what is issued then must not be older than the authority. */
const BACKDATED_MS = 7 * 24 * 3_600_000;

/** Who one end of a pool's connections is. */
export interface PoolIdentity {
  /** Its SPIFFE ID, which the other end demands to the letter. */
  readonly id: string;
  readonly credentials: HandedCredentials;
}

/**
 * The authority of one pool, in memory only: it vouches for the pool and its children and for
 * nothing else, and may not make authorities of its own (path length 0).
 */
export class PrivateAuthority {
  readonly #authority: Authority;
  readonly #domain: string;
  readonly #ttlMs: number;

  /** @param pool The pool's id, which becomes part of every name. */
  constructor(pool: string, ttlMs: number) {
    this.#authority = createAuthority({
      name: `Selvage pool ${pool}`,
      pathLength: 0,
      backdatedMs: BACKDATED_MS,
    });
    this.#domain = `${pool}.pool.selvage`;
    this.#ttlMs = ttlMs;
  }

  /** What proves that the bearer is the pool itself. */
  pool(): PoolIdentity {
    return this.#issue("pool", ["client"]);
  }

  /** What proves that the bearer is the child called `name`, which calls other children or does not. */
  child(name: string, calls: boolean): PoolIdentity {
    return this.#issue(`worker/${name}`, calls ? ["server", "client"] : ["server"]);
  }

  /** Every child, as a pattern. */
  get children(): string {
    return `spiffe://${this.#domain}/worker/*`;
  }

  #issue(path: string, usages: readonly ("server" | "client")[]): PoolIdentity {
    const id = `spiffe://${this.#domain}/${path}`;
    const issued = this.#authority.issue({
      name: path,
      spiffe: id,
      ttlMs: this.#ttlMs,
      usages,
    });
    return {
      id,
      credentials: { ca: issued.caPem, cert: issued.certPem, key: issued.keyPem },
    };
  }
}
