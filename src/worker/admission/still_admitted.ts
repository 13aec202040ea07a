import type { HandlerContext } from "@connectrpc/connect";
import type { Invoke } from "../serving/recorded_methods.ts";
import { admittedOf } from "./arrival.ts";
import { denialOf } from "./denial.ts";

/**
 * The implementation of a method that answers once, entered only while what admitted the call at its header section
 * still holds: a message may come long after that, when the policy has changed or the token has ended.
 */
export function stillAdmitted(invoke: Invoke): Invoke {
  return (request, context) => {
    const deciding = insist(context);
    return deciding === undefined
      ? invoke(request, context)
      : deciding.then(() => invoke(request, context));
  };
}

/**
 * Resolves, or returns nothing, where what admitted a call still holds.
 *
 * @throws {ConnectError} Where it does not; also as what the promise is rejected with.
 */
export function insist(context: HandlerContext): Promise<void> | undefined {
  const { session, authorization } = admittedOf(context);
  try {
    session?.insist();
    return authorization?.atEntry()?.catch(rethrow);
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw denialOf(error);
}
