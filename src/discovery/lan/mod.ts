/**
 * Finding and announcing workers on a local network, by multicast DNS.
 *
 * @module
 */
export { type LanDiscovery, lanDiscovery, type LanDiscoveryOptions, lanFromUrl } from "./lan.ts";
