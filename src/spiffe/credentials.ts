import {
  Credentials as anyOrigin,
  type Credentials as CredentialsValue,
  type CredentialsFactory,
} from "../credentials/mod.ts";
import { spiffeWorkloadApi, type WorkloadApiOptions } from "./workload_api.ts";

/** Where a worker's or a caller's certificates come from. */
export type Credentials = CredentialsValue;

/** Where credentials can come from, the SPIFFE Workload API included. */
export interface SpiffeCredentialsFactory extends CredentialsFactory {
  /**
   * An X.509-SVID of the SPIFFE Workload API, renewed by the agent.
   *
   * @throws {ConfigurationError} where the options make no sense.
   */
  spiffeWorkloadApi(options?: WorkloadApiOptions): Credentials;
}

/**
 * Where credentials come from.
 *
 * @example A worker's or a caller's identity from the agent of this machine
 * ```ts
 * import { Credentials } from "./mod.ts";
 *
 * const credentials = Credentials.spiffeWorkloadApi({ socket: "/run/spire/agent.sock" });
 * ```
 */
export const Credentials: SpiffeCredentialsFactory = Object.freeze({
  ...anyOrigin,
  spiffeWorkloadApi,
});
