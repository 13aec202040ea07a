import type { HandlerContext } from "@connectrpc/connect";
import type { AnswerObserver } from "./bytes_call.ts";
import { FastContext } from "./fast_context.ts";
import { plainCallKey, type RunningPlainCall } from "./call_context.ts";

/**
 * Has what becomes of the one answer that an implementation is about to give reported: it may be impossible to write,
 * or too large.
 */
export function observeAnswer(context: HandlerContext, observer: AnswerObserver): void {
  const call = callOf(context);
  if (call === undefined) observer.succeeded();
  else call.observeAnswer(observer);
}

/** The implementation of a call runs on after the call has ended, until `ended` settles: so long the call counts. */
export function runsUntil(context: HandlerContext, ended: Promise<unknown>): void {
  callOf(context)?.runsUntil(ended);
}

function callOf(
  context: HandlerContext,
): Pick<RunningPlainCall, "observeAnswer" | "runsUntil"> | undefined {
  return context instanceof FastContext ? context.call : context.values.get(plainCallKey);
}
