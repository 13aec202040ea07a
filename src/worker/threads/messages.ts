import type { CallOptions, Shape } from "../../contract/mod.ts";
import type { CallContext, EncodedPayload, InvokeOptions } from "../../routine/mod.ts";

/**
 * Calls between a worker and its threads. The same messages go both ways: the worker calls routines
 * in a thread, and a routine in a thread calls others through the worker's dispatcher.
 */

/** The first message of a call. */
export interface Begin<Facts> {
  readonly kind: "begin";
  /** The call's number, unique in its direction. */
  readonly call: number;
  readonly shape: Shape;
  readonly routine: string;
  readonly args: EncodedPayload;
  /** What else belongs to the call, in a form that survives structured cloning. */
  readonly facts: Facts;
}

/** What the calling side says. */
export type CallerMessage<Facts> =
  | Begin<Facts>
  /** The reader wants the next item. */
  | { readonly kind: "next"; readonly call: number }
  | { readonly kind: "input"; readonly call: number; readonly item: EncodedPayload }
  | { readonly kind: "input-end"; readonly call: number }
  | { readonly kind: "input-failed"; readonly call: number; readonly reason: AbortReason }
  /** The caller cancelled, or the deadline passed. */
  | { readonly kind: "abort"; readonly call: number; readonly reason: AbortReason }
  /** The reader left its loop: the generator's `finally` shall run. */
  | { readonly kind: "leave"; readonly call: number };

/** What the side that runs the routine says. */
export type ServerMessage =
  | { readonly kind: "item"; readonly call: number; readonly item: EncodedPayload }
  /** The routine wants the next item of the caller's stream. */
  | { readonly kind: "input-wanted"; readonly call: number }
  /** The last word on a call. */
  | { readonly kind: "ended"; readonly call: number; readonly outcome: CallOutcome };

/** How a call ended. */
export type CallOutcome =
  | { readonly kind: "result"; readonly result: EncodedPayload }
  /** A stream ran to its end, or its reader's leaving was honoured. */
  | { readonly kind: "finished" }
  /** With what the caller's stream failed with, which the caller knows. */
  | { readonly kind: "input-failed" }
  /** The error, as the message in which it would travel to a remote caller. */
  | { readonly kind: "failed"; readonly failure: Uint8Array<ArrayBuffer> };

/** A signal's reason as it crosses between threads. */
export interface AbortReason {
  readonly name: string;
  readonly message: string;
  /** With `DeadlineExceeded`: the time the call was given. */
  readonly timeoutMs?: number;
}

/** What is sent to a thread. */
export type ToThread =
  /** Always the first message. */
  | { readonly kind: "load"; readonly modules: readonly string[]; readonly options: InvokeOptions }
  | { readonly kind: "serve"; readonly message: CallerMessage<ThreadCallFacts> }
  | { readonly kind: "dispatched"; readonly message: ServerMessage }
  /** End as soon as this is read: it is not while code of a routine computes. */
  | { readonly kind: "stop" };

/** What a thread reports. */
export type FromThread =
  | { readonly kind: "loaded" }
  | { readonly kind: "load-failed"; readonly message: string }
  /** Something failed that belongs to no call: the thread is not to be trusted with more. */
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "served"; readonly message: ServerMessage }
  | { readonly kind: "dispatch"; readonly message: CallerMessage<DispatchFacts> }
  /** Nothing runs in it any more. */
  | { readonly kind: "stopped" };

/** What of a call's context a thread may know; everything in it survives structured cloning. */
export type ThreadCallFacts = Omit<CallContext, "signal" | "dispatcher">;

/** What belongs to a call that a routine in a thread makes. */
export interface DispatchFacts {
  /** The call within which it is made, by its number. */
  readonly within: number;
  /** Whether it may be tried again after a connection was lost. */
  readonly idempotent: boolean;
  /** How it is made; its signal crosses as a message. */
  readonly options: Omit<CallOptions, "signal">;
}
