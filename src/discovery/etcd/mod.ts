/**
 * Finding and announcing workers in etcd.
 *
 * @module
 */
export { type EtcdDiscovery, etcdDiscovery, type EtcdDiscoveryOptions } from "./etcd.ts";
export { etcdFromUrl } from "./etcd_url.ts";
