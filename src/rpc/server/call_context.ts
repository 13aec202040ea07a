import { type ConnectError, type ContextKey, createContextKey } from "@connectrpc/connect";

/**
 * The key under which an implementation finds what its call was admitted with:
 * `context.values.get(callContext)`.
 */
export const callContext: ContextKey<unknown> = createContextKey<unknown>(undefined, {
  description: "what the call was admitted with",
});

/** Is told what became of the answer that an implementation gave; one of the two is called, once. */
export interface AnswerObserver {
  /** It was written, or nobody waits for it any more. */
  succeeded(): void;
  /** It could not be written. */
  failed(error: unknown, isGone: boolean): void;
}

/** A call on the plain path, as what stands between connect-es and its implementation sees it. */
export interface RunningPlainCall {
  /** The implementation runs until this settles, also after the call has ended: so long the call counts as running. */
  runsUntil(ended: Promise<unknown>): void;
  /** Its implementation has failed, also where it has not been asked since: no reader holds up what is left to write. */
  endNow(): void;
  /** Whether its time may be over before it is. */
  readonly hasDeadline: boolean;
  /** Has what becomes of the one answer of the call reported. */
  observeAnswer(observer: AnswerObserver): void;
  /**
   * Calls back, once, where the caller leaves before all of the response was handed to the stream, or where the time of
   * a stream is over before that: with the error that it ends with, and that the implementation has failed with by then.
   */
  onGone(left: (error?: ConnectError) => void): void;
}

/** The key under which a context of connect-es has its call. */
export const plainCallKey: ContextKey<RunningPlainCall | undefined> = createContextKey<
  RunningPlainCall | undefined
>(undefined, { description: "the call on the plain path" });
