/**
 * The timeouts and limits that dispatchers and workers have in common.
 *
 * @module
 */
export { resolveLimits } from "./checked_limits.ts";
export * from "./shared_limits.ts";
