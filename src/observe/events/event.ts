import type * as call from "./call_events.ts";
import type * as dispatch from "./dispatch_events.ts";
import type * as security from "./security_events.ts";
import type * as worker from "./worker_events.ts";

/** Everything that Selvage reports of itself, by `type`. */
export type SelvageEvent =
  | worker.WorkerReady
  | worker.WorkerDraining
  | worker.WorkerStopped
  | worker.WorkerCrashed
  | worker.WorkerRestarted
  | worker.WorkerUnresponsive
  | worker.WorkerBlocked
  | worker.WorkerThreadsLost
  | worker.WorkerIdle
  | worker.ListenerGeneration
  | worker.ListenerFailed
  | worker.ListenerRecovered
  | call.CallFailed
  | call.WorkerFault
  | security.PeerAccepted
  | security.PeerExpiring
  | security.HandshakeFailed
  | security.HandshakeRefused
  | security.CredentialsRotated
  | security.CredentialsAdvice
  | security.CredentialsRejected
  | security.CredentialsExpiring
  | security.SecurityPosture
  | security.UnauthenticatedListener
  | security.PlaintextCaller
  | security.DenylistChanged
  | security.LoopbackAnnounced
  | security.DenylistRejected
  | security.TokenIgnored
  | security.PolicyChanged
  | security.PolicyRejected
  | dispatch.DispatchDenied
  | dispatch.DispatchUnauthenticated
  | dispatch.DispatchRetried
  | dispatch.DiscoveryAdded
  | dispatch.DiscoveryUpdated
  | dispatch.DiscoveryRemoved
  | dispatch.DiscoveryFailed
  | dispatch.DiscoveryRejected;

/** The `type` of every event. */
export type EventType = SelvageEvent["type"];

/** The event of one `type`. */
export type EventOf<Type extends EventType> = Extract<SelvageEvent, { readonly type: Type }>;

/** An event as it is emitted, before the observer stamps `at` and `origin` on it. */
export type UnstampedEvent = Unstamped<SelvageEvent>;

/** One event without its stamps. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, "at" | "origin"> : never;
