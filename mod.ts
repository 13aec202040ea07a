/**
 * Calls routines on workers over HTTP/2 and mutual TLS, and knows who each worker is.
 *
 * @module
 */
export * from "./src/contract/mod.ts";
export * from "./src/errors/mod.ts";
export {
  type CredentialEnvOptions,
  type CredentialFiles,
  type CredentialPem,
  Credentials,
  type CredentialsFactory,
  type CredentialsSource,
} from "./src/credentials/mod.ts";
export { type CallContext, type CallPeer, currentCall } from "./src/routine/mod.ts";
export {
  type DiscoveredWorker,
  type Discovery,
  type DiscoveryChange,
  dnsDiscovery,
  staticDiscovery,
} from "./src/discovery/mod.ts";
export {
  Dispatcher,
  type DispatcherLimits,
  type DispatcherOptions,
  type SharedDispatcherOptions,
  type TokenSource,
  type WorkerSource,
} from "./src/dispatch/mod.ts";
export { type EventStream, type SelvageEvent } from "./src/observe/mod.ts";
