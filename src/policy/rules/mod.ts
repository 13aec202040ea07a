/**
 * Authorization by rules: who may call what.
 *
 * @module
 */
export * from "./compiled_policy.ts";
export * from "./decision.ts";
export type * from "./explain.ts";
export * from "./policy.ts";
export { type ReadPolicy, readPolicy, type ReadPolicyOptions } from "./read_policy.ts";
