import type { DescMethod } from "@bufbuild/protobuf";
import {
  type ConnectError,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { type CallContext, runInCall } from "../../routine/mod.ts";
import { endNow, provide } from "../../rpc/mod.ts";
import { admittedOf, arrivalOf } from "../admission/arrival.ts";
import { nameOf } from "../admission/authorization.ts";
import { denialOf } from "../admission/denial.ts";
import { answerWhileAllowed, type RunningCall } from "../admission/while_allowed.ts";
import type { Invoke } from "./recorded_methods.ts";
import { type CallGround, ServedCall } from "./served_call.ts";

/**
 * The key under which a handler of a Connect service finds the call that it serves:
 * `context.values.get(servedCall)`, the same as `currentCall()` there.
 */
export const servedCall: ContextKey<CallContext | undefined> = createContextKey<
  CallContext | undefined
>(undefined, { description: "the call that is being served" });

/**
 * The implementation of a method that answers once, within its call: `currentCall()` works in it, also after an
 * `await`, and `context.values` holds the same under {@linkcode servedCall}.
 */
export function withinCall(invoke: Invoke, ground: CallGround): Invoke {
  return (request, context) =>
    answerInCall(beginCall(context, ground), () => invoke(request, context));
}

/** The same for a method that is sent a stream: it may take long, so that it ends as streams do once it is denied. */
export function whileAllowedWithinCall(
  method: DescMethod,
  invoke: Invoke,
  ground: CallGround,
): Invoke {
  const name = nameOf(method);
  return (request, context) => {
    const call = beginCall(context, ground);
    const answer = answerInCall(call, () => invoke(request, context));
    return answer instanceof Promise
      ? answerWhileAllowed(answer, runningCall(context, call, name))
      : answer;
  };
}

/** A running call as what ends it sees it. */
export function runningCall(
  context: HandlerContext,
  call: ServedCall,
  name: string,
): RunningCall {
  return {
    admitted: admittedOf(context),
    name,
    tags: NO_TAGS,
    expired: (error) => call.expire(error),
    denied: (error, ended) => endNow(context, error as ConnectError, ended),
    asThrown: denialOf,
  };
}

/** The answer of a method that answers once, with which its call is over. */
function answerInCall(call: ServedCall, run: () => unknown): unknown {
  let answer: unknown;
  try {
    answer = runInCall(call, run);
  } catch (error) {
    call.over();
    throw error;
  }
  if (!(answer instanceof Promise)) {
    call.over();
    return answer;
  }
  return answer.then((answer) => {
    call.over();
    return answer;
  }, (error) => {
    call.over();
    throw error;
  });
}

/** The call that an implementation serves, which finds it under {@linkcode servedCall}. */
export function beginCall(context: HandlerContext, ground: CallGround): ServedCall {
  const call = new ServedCall(arrivalOf(context), FOREIGN, ground);
  provide(context, servedCall, call);
  return call;
}

/** The tags of a service's method. */
export const NO_TAGS: readonly string[] = [];

/** A call that comes without an envelope of ours. */
const FOREIGN = { callId: "", parentId: "", tags: NO_TAGS } as const;
