/**
 * Finding and announcing workers of one user on one machine.
 *
 * @module
 */
export { type LocalDiscovery, localDiscovery, type LocalDiscoveryOptions } from "./local.ts";
