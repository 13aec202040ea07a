/**
 * What is permitted: the posture towards channels without TLS.
 *
 * @module
 */
export * from "./plaintext.ts";
export * from "./token/mod.ts";
