/**
 * Finding workers: what a discovery is, and those that a URL can name.
 *
 * @module
 */
export * from "./announcement.ts";
export * from "./discovery.ts";
export { dnsDiscovery, type DnsDiscoveryOptions, srvDiscovery } from "./dns/dns.ts";
export { type EtcdDiscovery, etcdDiscovery, type EtcdDiscoveryOptions } from "./etcd/etcd.ts";
export * from "./file.ts";
export * from "./from_url.ts";
export { kubernetesDiscovery, type KubernetesDiscoveryOptions } from "./kubernetes/kubernetes.ts";
export { type LanDiscovery, lanDiscovery, type LanDiscoveryOptions } from "./lan/lan.ts";
export { type LocalDiscovery, localDiscovery, type LocalDiscoveryOptions } from "./local/local.ts";
export * from "./memory.ts";
export { type PermissionNeeds, permissionNeeds } from "./permission_needs.ts";
export { signedDiscovery } from "./signed_discovery.ts";
export { signStatement, STATEMENT_LIFE_MS } from "./signed_statement.ts";
export type { SignedDiscoveryOptions } from "./statement_judge.ts";
export * from "./static.ts";
export { Watchers } from "./watchers.ts";
