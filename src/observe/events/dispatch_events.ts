import type { AuthenticationReason, WorkerRef } from "../../errors/mod.ts";
import type { EventBase, PeerRef } from "./event_base.ts";

/** A call was refused by policy. */
export interface DispatchDenied extends EventBase<"dispatch.denied"> {
  /** The call's id. */
  readonly callId?: string;
  /** The routine or service method that was asked for, escaped and capped. */
  readonly routine: string;
  /** Who asked. */
  readonly peer: PeerRef;
  /** The rule that decided, `default-deny` where none matched. */
  readonly rule: string;
}

/** A call was refused because the caller's token is missing or does not hold. */
export interface DispatchUnauthenticated
  extends
    EventBase<"dispatch.unauthenticated">,
    Pick<DispatchDenied, "callId" | "routine" | "peer"> {
  /** What is wrong with the token. */
  readonly reason: AuthenticationReason;
}

/** Why a call went to another worker. */
export type RetryCause =
  | "handshake-failed"
  | "unreachable"
  | "refused-stream"
  | "goaway"
  | "overloaded"
  | "routine-unknown"
  | "connection-lost";

/** A call that had not begun, or is idempotent, went to another worker. */
export interface DispatchRetried extends EventBase<"dispatch.retried"> {
  /** The call's id. */
  readonly callId?: string;
  /** The routine or service method. */
  readonly routine: string;
  /** The worker that did not take it. */
  readonly worker: WorkerRef;
  /** Why it did not. */
  readonly cause: RetryCause;
  /** Which attempt failed, 1 being the first. */
  readonly attempt: number;
}

/** Discovery found a worker. */
export interface DiscoveryAdded extends EventBase<"discovery.added"> {
  /** The discovery URL. */
  readonly source: string;
  /** The worker. */
  readonly worker: WorkerRef;
}

/** A worker's announcement changed. */
export interface DiscoveryUpdated
  extends EventBase<"discovery.updated">, Pick<DiscoveryAdded, "source" | "worker"> {}

/** Discovery no longer knows a worker. */
export interface DiscoveryRemoved
  extends EventBase<"discovery.removed">, Pick<DiscoveryAdded, "source" | "worker"> {}

/** Discovery itself does not work now; what was found stays. */
export interface DiscoveryFailed extends EventBase<"discovery.failed"> {
  /** The discovery URL. */
  readonly source: string;
  /** One sentence: what went wrong, escaped and capped. */
  readonly message: string;
}

/** An announcement was not believed. */
export interface DiscoveryRejected extends EventBase<"discovery.rejected"> {
  /** The discovery URL. */
  readonly source: string;
  /** One sentence: what is wrong with it, escaped and capped. */
  readonly message: string;
  /** The address it was about, where that could be read. */
  readonly address?: string;
}
