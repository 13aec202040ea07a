/**
 * The dispatcher: finds workers, proves who each one is, and calls routines on them.
 *
 * @example Call a routine
 * ```ts
 * import assert from "node:assert/strict";
 * import { routine } from "@selvage/runtime/routine";
 * import { Dispatcher } from "@selvage/runtime/dispatcher";
 * import { WorkerServer } from "@selvage/runtime/worker";
 *
 * const add = routine("math.add", (a: number, b: number) => a + b);
 * await using worker = await WorkerServer.start({ routines: [add] });
 *
 * // Over a network: credentials: Credentials.watchFiles({ ca, cert, key }), and identity.
 * await using dispatcher = await Dispatcher.open({ discovery: `static:${worker.address}` });
 * assert.equal(await dispatcher.call(add, [1, 2]), 3);
 * ```
 *
 * @module
 */
export {
  type CallDefaults,
  type CallSigner,
  Dispatcher,
  FleetCaller,
  type IssuedToken,
  type ProvideToken,
  type Rehearsal,
  type RehearsedPeer,
  type RehearseOptions,
  signNonce,
  type TokenSource,
} from "./mod.ts";
export type { NonceKey, SignedCall } from "../policy/mod.ts";
export type { CompressionName, RpcProtocol, TransportChoices } from "../rpc/mod.ts";
export type { DenylistEntries, VerdictLimits, VerdictMode } from "../identity/mod.ts";
export type { DenylistSetting } from "../credentials/mod.ts";
export {
  defaultDispatcherLimits,
  type DispatcherLimits,
  type EveryDispatcherLimit,
} from "./limits.ts";
export {
  type BalancedWorker,
  type Balancer,
  powerOfTwo,
  roundRobin,
} from "./selection/balancer.ts";
export * from "./options.ts";
export type { EverySharedLimit, SharedLimits } from "../limits/mod.ts";
