/**
 * Calls routines on workers over HTTP/2 and mutual TLS, and knows who each worker is.
 *
 * @module
 */
export type { TlsVersion } from "./src/channel/mod.ts";
export * from "./src/contract/mod.ts";
export {
  type CaFiles,
  type CredentialEnvOptions,
  type CredentialFiles,
  type CredentialPem,
  type Credentials as CredentialsOrigin,
  type CredentialsFactory,
  type CredentialTexts,
  type ProvideCredentials,
  type ProviderOptions,
  type TrustOnly,
  type WatchOptions,
} from "./src/credentials/mod.ts";
export {
  type BalancedWorker,
  type Balancer,
  type CallDefaults,
  type CallSigner,
  defaultDispatcherLimits,
  Dispatcher,
  type DispatcherLimits,
  type DispatcherOptions,
  type EveryDispatcherLimit,
  FleetCaller,
  type IssuedToken,
  type Lease,
  powerOfTwo,
  type ProvideToken,
  type Rehearsal,
  type RehearsedPeer,
  type RehearseOptions,
  roundRobin,
  type SharedDispatcherOptions,
  signNonce,
  type TokenSource,
  type WorkerSource,
} from "./src/dispatch/mod.ts";
export {
  type Announcement,
  type AnnouncementLease,
  type AnnounceOptions,
  type DiscoveredWorker,
  type Discovery,
  type DiscoveryChange,
  dnsDiscovery,
  type DnsDiscoveryOptions,
  type EtcdDiscovery,
  etcdDiscovery,
  type EtcdDiscoveryOptions,
  fileDiscovery,
  type FileDiscoveryOptions,
  kubernetesDiscovery,
  type KubernetesDiscoveryOptions,
  type LanDiscovery,
  lanDiscovery,
  type LanDiscoveryOptions,
  type LocalDiscovery,
  localDiscovery,
  type LocalDiscoveryOptions,
  type MemoryDiscovery,
  memoryDiscovery,
  srvDiscovery,
  staticDiscovery,
} from "./src/discovery/mod.ts";
export * from "./src/errors/entry.ts";
export type { Http2Limits } from "./src/http2/mod.ts";
export type { DenylistEntries, VerdictLimits, VerdictMode } from "./src/identity/mod.ts";
export type { DenylistSetting } from "./src/credentials/mod.ts";
export type { EverySharedLimit, SharedLimits } from "./src/limits/mod.ts";
export type * from "./src/observe/entry.ts";
export type { NonceKey, SignedCall } from "./src/policy/mod.ts";
export {
  type RenewOptions,
  type SpawnedDispatcherOptions,
  type SpawnOptions,
  WorkerPool,
  type WorkerPoolOptions,
} from "./src/pool/mod.ts";
export type { CompressionName, RpcProtocol, TransportChoices } from "./src/rpc/mod.ts";
export {
  type Ambient,
  ambient,
  type CallContext,
  type CallPeer,
  currentCall,
} from "./src/routine/mod.ts";
export type { WorkerLimits } from "./src/worker/mod.ts";
export {
  Credentials,
  type JwtSvidOptions,
  type SpiffeCredentialsFactory,
  spiffeJwtSvid,
  type SvidChoice,
  type WorkloadApiOptions,
} from "./src/spiffe/mod.ts";
