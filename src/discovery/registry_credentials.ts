import type { CredentialMaterial, Credentials, CredentialsSource } from "../credentials/mod.ts";
import type { Clock } from "../observe/mod.ts";

/**
 * Who we are to a registry, and whom we trust there. It is opened with the first dial; where that fails, as while a
 * file is not mounted yet, again with the next.
 */
export class RegistryCredentials implements AsyncDisposable {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  #source: Promise<CredentialsSource> | undefined;

  constructor(credentials: Credentials, clock: Clock) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /**
   * What is in use now.
   *
   * @throws {ConfigurationError} If it cannot be read.
   */
  async current(): Promise<CredentialMaterial> {
    const opening = this.#source ??= this.#credentials.open({ role: "client", clock: this.#clock });
    const source = await opening.catch((error) => {
      if (this.#source === opening) this.#source = undefined;
      throw error;
    });
    return source.current();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#source?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}
