/**
 * The dispatcher: finds workers, proves who each one is, and calls routines on them.
 *
 * @module
 */
export * from "./backoff.ts";
export * from "./call_record.ts";
export { resolveLimits } from "./checked_limits.ts";
export type { CallDefaults, TokenSource } from "./call_settings.ts";
export * from "./dispatcher.ts";
export * from "./limits.ts";
export type { DispatcherGround } from "./open.ts";
export * from "./options.ts";
export * from "./outcome.ts";
export * from "./shared_limits.ts";
