import {
  assemble,
  createAuthority,
  type CredentialPem,
  Credentials,
  credentialsFrom,
  CredentialsStore,
} from "../../src/credentials/mod.ts";

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

/** Credentials that a test replaces by hand, in the same turn. */
export class HandTurned {
  /** What a worker or a dispatcher is given. */
  readonly credentials: Credentials;
  readonly #stores = new Set<CredentialsStore>();
  #pem: CredentialPem;

  /** @param pem The first version. */
  constructor(pem: CredentialPem) {
    this.#pem = pem;
    this.credentials = credentialsFrom((options) => {
      const store: CredentialsStore = new CredentialsStore(
        options,
        () => void this.#stores.delete(store),
      );
      store.offerFirst(assemble(this.#pem, Date.now()));
      this.#stores.add(store);
      return Promise.resolve(store);
    });
  }

  /** Replaces them wherever they are in use. */
  turn(pem: CredentialPem): void {
    this.#pem = pem;
    for (const store of this.#stores) store.offer(assemble(pem, Date.now()));
  }
}
