import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { type CallContext, iterateInCall, runInCall, toConnectError } from "../../routine/mod.ts";
import { provide, withoutStatusDetails } from "../../rpc/mod.ts";
import { admittedOf, arrivalOf } from "../admission/arrival.ts";
import { nameOf } from "../admission/authorization.ts";
import type { Invoke } from "./recorded_methods.ts";
import { type CallGround, ServedCall } from "./served_call.ts";
import { whileAllowed } from "../admission/while_allowed.ts";

/**
 * The key under which a handler of a Connect service finds the call that it serves:
 * `context.values.get(servedCall)`, the same as `currentCall()` there.
 */
export const servedCall: ContextKey<CallContext | undefined> = createContextKey<
  CallContext | undefined
>(undefined, { description: "the call that is being served" });

/**
 * The implementation of a service's method within its call: `currentCall()` works in it, also in a
 * generator and after an `await`, and `context.values` holds the same under {@linkcode servedCall}.
 */
export function withinCall(method: DescMethod, invoke: Invoke, ground: CallGround): Invoke {
  const answersOnce = method.methodKind === "unary" || method.methodKind === "client_streaming";
  return (request, context) => {
    const call = beginCall(context, ground);
    if (answersOnce) return answerInCall(call, () => invoke(request, context));
    const answer = runInCall(call, () => invoke(request, context));
    const items = iterateInCall(call, answer as AsyncIterable<unknown>);
    return whileAllowed(items, {
      admitted: admittedOf(context),
      name: nameOf(method),
      tags: NO_TAGS,
      expired: (error) => call.expire(error),
      // The caller reads the code and the rule; what the implementation threw is guarded below this.
      asThrown: (error) => {
        withoutStatusDetails(context);
        return toConnectError(error);
      },
    });
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

function beginCall(context: HandlerContext, ground: CallGround): ServedCall {
  const call = new ServedCall(arrivalOf(context), FOREIGN, ground);
  provide(context, servedCall, call);
  return call;
}

const NO_TAGS: readonly string[] = [];

/** A call that comes without an envelope of ours. */
const FOREIGN = { callId: "", parentId: "", tags: NO_TAGS } as const;
