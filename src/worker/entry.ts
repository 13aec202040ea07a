/**
 * The worker: serves routines, and any Connect service, to callers that are proven and allowed.
 *
 * @example Serve the routines of a module
 * ```ts
 * import { Credentials } from "@selvage/runtime";
 * import { routine } from "@selvage/runtime/routine";
 * import { createAuthority } from "@selvage/runtime/testing";
 * import { WorkerServer } from "@selvage/runtime/worker";
 *
 * // In production: Credentials.watchFiles({ ca: "ca.pem", cert: "worker.pem", key: "worker.key" }).
 * const authority = createAuthority();
 * const { certPem: cert, keyPem: key } = authority.issue({
 *   name: "worker",
 *   spiffe: "spiffe://example.org/worker",
 * });
 *
 * await using worker = await WorkerServer.start({
 *   listen: "127.0.0.1:0",
 *   routines: [routine("math.add", (a: number, b: number) => a + b)],
 *   credentials: Credentials.fromPem({ ca: authority.certPem, cert, key }),
 *   allow: "spiffe://example.org/client/*",
 * });
 * console.log(worker.url);
 * ```
 *
 * @module
 */
export type { DenylistEntries, VerdictLimits, VerdictMode } from "../identity/mod.ts";
export type { DenylistSetting } from "../credentials/mod.ts";
export type { ContextKey } from "@connectrpc/connect";
export type { EverySharedLimit, SharedLimits } from "../limits/mod.ts";
export {
  type Authenticate,
  type Authenticator,
  type JsonWebKeySet,
  jwt,
  type JwtAlgorithm,
  type JwtOptions,
  type JwtSvidVerification,
  type KeySetOptions,
  kubernetesServiceAccount,
  type KubernetesServiceAccountOptions,
  type PresentedCall,
  type PresentingPeer,
  signedNonce,
  type SignedNonceOptions,
  spiffeJwtSvids,
  type TokenRequirement,
  type VerifiedToken,
} from "../policy/mod.ts";
export { defaultWorkerLimits, type EveryWorkerLimit, type WorkerLimits } from "./limits.ts";
export type { AdmitCall, AdmittableCall } from "./admission/admit_hook.ts";
export type { AnonymousOptions } from "./admission/anonymous_options.ts";
export * from "./options.ts";
export type { WorkerPosture } from "./posture.ts";
export type {
  AuthorizeAnswer,
  AuthorizeCall,
  AuthorizePeer,
  ClaimMatch,
  Claims,
  Policy,
  PolicyEffect,
  PolicyHook,
  PolicyRule,
  PolicySetting,
} from "../policy/mod.ts";
export { servedCall } from "./serving/service_calls.ts";
export type { WorkerPeer } from "./worker_peers.ts";
export * from "./worker_server.ts";
