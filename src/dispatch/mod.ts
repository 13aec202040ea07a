/**
 * The dispatcher: finds workers, proves who each one is, and calls routines on them.
 *
 * @module
 */
export * from "./endpoint/backoff.ts";
export * from "./selection/balancer.ts";
export type { Lease } from "./fleet/lease.ts";
export type { CallDefaults } from "./calls/call_settings.ts";
export {
  type CallSigner,
  type IssuedToken,
  type ProvideToken,
  signNonce,
  type TokenSource,
} from "./calls/token_source.ts";
export * from "./dispatcher.ts";
export * from "./limits.ts";
export { FleetCaller } from "./fleet_caller.ts";
export { type OpenedDispatcher, openParts } from "./open.ts";
export * from "./options.ts";
export { SHARED_NAMES, SOURCE_NAMES } from "./option_names.ts";
export type { Rehearsal, RehearsedPeer, RehearseOptions } from "../peer/mod.ts";
export type { OwnWorker } from "./endpoint/dial.ts";
export type { DispatcherSnapshot } from "./dispatcher_admin.ts";
