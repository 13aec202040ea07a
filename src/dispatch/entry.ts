/**
 * The dispatcher: finds workers, proves who each one is, and calls routines on them.
 *
 * @example Call a routine
 * ```ts ignore
 * import { Credentials } from "@selvage/runtime";
 * import { Dispatcher } from "@selvage/runtime/dispatcher";
 * import { add } from "./math.ts";
 *
 * await using dispatcher = await Dispatcher.open({
 *   discovery: "static:10.0.0.1:8443,10.0.0.2:8443",
 *   credentials: Credentials.watchFiles({ ca: "ca.pem", cert: "caller.pem", key: "caller.key" }),
 *   identity: "spiffe://example.org/worker",
 * });
 * const sum = await dispatcher.call(add, [1, 2]);
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
export { type BalancedWorker, type Balancer, powerOfTwo, roundRobin } from "./fleet/balancer.ts";
export * from "./options.ts";
export type { EverySharedLimit, SharedLimits } from "../limits/mod.ts";
