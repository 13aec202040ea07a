import {
  type AnyRoutine,
  type CallOptions,
  routine,
  type RoutineFunction,
} from "../../contract/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import {
  type CallContext,
  decodeArguments,
  decodePayload,
  type EncodedPayload,
  encodePayload,
  iterateInCall,
  runInCall,
} from "../../routine/mod.ts";
import type { Run } from "./hosted_calls.ts";
import type { DispatchFacts } from "./messages.ts";

/**
 * Makes calls for the routines in a thread, through the dispatcher of the call they are made in.
 *
 * @param contextOf The call of that number, while it runs.
 */
export function dispatchFor(
  contextOf: (call: number) => CallContext | undefined,
): Run<DispatchFacts> {
  return ({ shape, routine: name, args, facts }, { signal, input }) => {
    const context = contextOf(facts.within);
    if (context === undefined) {
      throw new ConfigurationError(`${name} was called from within a call that is over`);
    }
    const { dispatcher } = context;
    const called = routine<RoutineFunction>(name, { idempotent: facts.idempotent }) as AnyRoutine;
    const list = decodeArguments(args) as never;
    const options: CallOptions = { ...facts.options, signal };
    switch (shape) {
      case "unary":
        return runInCall(context, () => dispatcher.call(called as never, list, options))
          .then((result) => encodePayload(result, "result"));
      case "stream":
        return encoded(iterateInCall(context, dispatcher.stream(called as never, list, options)));
      case "duplex":
        return encoded(
          iterateInCall(
            context,
            dispatcher.duplex(called as never, decoded(input) as never, list, options),
          ),
        );
    }
  };
}

async function* encoded(items: AsyncIterable<unknown>): AsyncGenerator<EncodedPayload, void> {
  for await (const item of items) yield encodePayload(item, "item");
}

async function* decoded(items: AsyncIterable<EncodedPayload>): AsyncGenerator<unknown, void> {
  for await (const item of items) yield decodePayload(item, "input");
}
