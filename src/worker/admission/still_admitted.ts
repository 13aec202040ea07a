import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { toConnectError } from "../../routine/mod.ts";
import type { Invoke } from "../serving/recorded_methods.ts";
import { admittedOf } from "./arrival.ts";

/**
 * The implementation of a service's method, entered only while what admitted the call at its header section
 * still holds: a message may come long after that, when the policy has changed or the token has ended.
 */
export function stillAdmitted(method: DescMethod, invoke: Invoke): Invoke {
  if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
    return (request, context) => {
      const deciding = insist(context);
      return deciding === undefined
        ? invoke(request, context)
        : deciding.then(() => invoke(request, context), rethrow);
    };
  }
  return async function* (request, context) {
    await insist(context)?.catch(rethrow);
    yield* invoke(request, context) as AsyncIterable<unknown>;
  };
}

function insist(context: HandlerContext): Promise<void> | undefined {
  const { session, authorization } = admittedOf(context);
  try {
    session?.insist();
    return authorization?.atEntry() ?? undefined;
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw toConnectError(error);
}
