/**
 * Implementations of routines: the payload codec, the call envelope, remote errors, the call
 * context.
 *
 * @module
 */
export * from "./payload/payload.ts";
