import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import { FastContext } from "./fast_context.ts";
import { type AnswerObserver, plainCallKey } from "./call_context.ts";

/**
 * Has what becomes of the one answer that an implementation is about to give reported: it may be impossible to write,
 * or too large.
 */
export function observeAnswer(context: HandlerContext, observer: AnswerObserver): void {
  if (context instanceof FastContext) context.observer = observer;
  else {
    const call = context.values.get(plainCallKey);
    if (call === undefined) observer.succeeded();
    else call.observeAnswer(observer);
  }
}

/**
 * Ends a call with an error, which its implementation has thrown already as connect-es sees it. The call counts as
 * running until `ended` settles.
 */
export function endNow(
  context: HandlerContext,
  error: ConnectError,
  ended: Promise<unknown>,
): void {
  if (context instanceof FastContext) context.call.endNow(error, ended);
  else {
    const call = context.values.get(plainCallKey);
    call?.runsUntil(ended);
    call?.endNow();
  }
}
