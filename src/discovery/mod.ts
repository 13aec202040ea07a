/**
 * Finding workers: what a discovery is, and those that a URL can name.
 *
 * @module
 */
export * from "./announcement.ts";
export * from "./discovery.ts";
export { dnsDiscovery, type DnsDiscoveryOptions, srvDiscovery } from "./dns/mod.ts";
export { type EtcdDiscovery, etcdDiscovery, type EtcdDiscoveryOptions } from "./etcd/mod.ts";
export * from "./file.ts";
export * from "./from_url.ts";
export { kubernetesDiscovery, type KubernetesDiscoveryOptions } from "./kubernetes/mod.ts";
export { type LanDiscovery, lanDiscovery, type LanDiscoveryOptions } from "./lan/mod.ts";
export { type LocalDiscovery, localDiscovery, type LocalDiscoveryOptions } from "./local/mod.ts";
export * from "./memory.ts";
export { type PermissionNeeds, permissionNeeds } from "./permission_needs.ts";
export { signedDiscovery } from "./signed_discovery.ts";
export { signStatement, STATEMENT_LIFE_MS } from "./signed_statement.ts";
export type { SignedDiscoveryOptions } from "./statement_judge.ts";
export * from "./static.ts";
export { Watchers } from "./watchers.ts";
