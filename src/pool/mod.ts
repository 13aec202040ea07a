/**
 * A pool of workers: spawned here with credentials that exist in memory only, discovered elsewhere,
 * or both, and called as one.
 *
 * @module
 */
export { absoluteModules, configFlags, moduleFiles } from "./deno_setup.ts";
export * from "./options.ts";
export * from "./worker_pool.ts";
