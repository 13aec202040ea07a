/**
 * The worker: serves routines, and any Connect service, to callers that are proven and allowed.
 *
 * @module
 */
export type { AdmitCall, AdmittableCall } from "./admission/admit_hook.ts";
export type { AnonymousOptions } from "./admission/anonymous_options.ts";
export { collectOnceIdle } from "./collect_once_idle.ts";
export * from "./limits.ts";
export type { Rehearsal, RehearsedPeer, RehearseOptions } from "../peer/mod.ts";
export { specifierOf } from "./modules.ts";
export * from "./options.ts";
export type { WorkerPosture } from "./posture.ts";
export * from "./threads/module_load.ts";
export * from "./threads/thread_location.ts";
export { reportBlockedOn } from "./watchdog/outlet.ts";
export type { WorkerPeer } from "./worker_peers.ts";
export type { AdminSnapshot } from "./worker_admin.ts";
export * from "./worker_server.ts";
