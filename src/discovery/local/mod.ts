/**
 * Finding and announcing workers of one user on one machine.
 *
 * @module
 */
export { registryFolder } from "./registry_folder.ts";
export { type LocalDiscovery, localDiscovery, type LocalDiscoveryOptions } from "./local.ts";
