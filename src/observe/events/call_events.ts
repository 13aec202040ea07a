import type { HandshakeSide } from "../../errors/mod.ts";
import type { CallKind, EventBase, PeerRef } from "./event_base.ts";
import type { CallOutcome } from "../metrics.ts";

/** What was thrown, as far as it may be shown: escaped, and cut at 256 characters. */
export interface ThrownRef {
  /** Its `name`. */
  readonly name: string;
  /** Its `message`. */
  readonly message: string;
}

/**
 * A call failed, at either end. At most 64 are reported a second; the next one carries how many were
 * not. The stack of what was thrown is in the log of the worker, not here.
 */
export interface CallFailed extends EventBase<"call.failed"> {
  /** The end that reports it. */
  readonly side: HandshakeSide;
  /** What was called. */
  readonly kind: CallKind;
  /** The routine, or the service method as `package.Service/Method`. */
  readonly routine: string;
  /** The call's id, where it has one. */
  readonly callId?: string;
  /** The other end, where it is known: the caller at a worker, the worker at a dispatcher. */
  readonly peer?: PeerRef;
  /** How it ended, as in the metrics. */
  readonly outcome: CallOutcome;
  /** What was thrown. */
  readonly thrown: ThrownRef;
  /**
   * Whether the error was meant for the caller: one of ours, a `RoutineError`, or a `ConnectError`. Any
   * other that a routine or a handler throws is a fault of its code.
   */
  readonly declared: boolean;
  /** How many failed calls were not reported since the last one that was. */
  readonly unreported: number;
}

/** An error of Selvage's own, which a peer only learns of as an internal error. */
export interface WorkerFault extends EventBase<"worker.fault"> {
  /** The part that it was in. */
  readonly part: "http2" | "rpc" | "routine" | "policy" | "admit" | "peer";
  /** The path of the request that it was about, escaped and capped, where there was one. */
  readonly path?: string;
  /** The peer that it was about, where there was one. */
  readonly peer?: PeerRef;
  /** What was thrown. */
  readonly thrown: ThrownRef;
  /** How many faults were not reported since the last one that was. */
  readonly unreported: number;
}
