/**
 * Finding workers by DNS: the addresses of a name, and the servers of a service.
 *
 * @module
 */
export { dnsDiscovery, type DnsDiscoveryOptions, srvDiscovery } from "./dns.ts";
export { plainName, sameName } from "./message.ts";
