import { createAuthority, type CredentialPem, Credentials } from "../../src/credentials/mod.ts";

/** The identity of every worker that is not to be another's. */
export const WORKER_ID = "spiffe://example.org/worker";
/** The identity of every caller that is not to be another's. */
export const CLIENT_ID = "spiffe://example.org/client/a";

/** An authority, and what the two ends hold under it. */
export class Trust {
  readonly #authority = createAuthority();

  /** The authority's certificate. */
  get ca(): string {
    return this.#authority.certPem;
  }

  /** A worker's certificate. */
  worker(spiffe: string = WORKER_ID, more: Partial<CredentialPem> = {}): CredentialPem {
    return this.#issue("worker", spiffe, more);
  }

  /** A caller's certificate. */
  client(spiffe: string = CLIENT_ID, more: Partial<CredentialPem> = {}): Credentials {
    return Credentials.fromPem(this.clientPem(spiffe, more));
  }

  /** A caller's certificate, as text. */
  clientPem(spiffe: string = CLIENT_ID, more: Partial<CredentialPem> = {}): CredentialPem {
    return this.#issue("client", spiffe, more);
  }

  #issue(name: string, spiffe: string, more: Partial<CredentialPem>): CredentialPem {
    const { certPem: cert, keyPem: key } = this.#authority.issue({ name, spiffe });
    return { ca: this.ca, cert, key, ...more };
  }
}
