/**
 * What is permitted: who may call what, and the posture towards channels without TLS.
 *
 * @module
 */
export * from "./authorizer.ts";
export * from "./open_authorizer.ts";
export { parseJsonc } from "./jsonc.ts";
export * from "./networks.ts";
export { parsePolicy } from "./policy_file.ts";
export * from "./plaintext.ts";
export * from "./rules/mod.ts";
export * from "./token/mod.ts";
