import {
  type AnyRoutine,
  type Caller,
  type CallOptions,
  routine,
  type RoutineFunction,
} from "../../contract/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { decodeArguments, decodePayload, encodePayload } from "../../routine/mod.ts";
import type { EncodedPayload } from "../../routine/mod.ts";
import type { Run } from "./hosted_calls.ts";
import type { DispatchFacts } from "./messages.ts";

/** What makes the calls that routines in a thread ask for. */
export type CallDispatcher = Pick<Caller, "call" | "stream" | "duplex">;

/**
 * Makes calls for the routines in a thread, through the dispatcher of the call they are made in.
 *
 * @param dispatcherOf The dispatcher of the call of that number, while it runs.
 */
export function dispatchFor(
  dispatcherOf: (call: number) => CallDispatcher | undefined,
): Run<DispatchFacts> {
  return ({ shape, routine: name, args, facts }, { signal, input }) => {
    const dispatcher = dispatcherOf(facts.within);
    if (dispatcher === undefined) {
      throw new ConfigurationError(`${name} was called from within a call that is over`);
    }
    const called = routine<RoutineFunction>(name, { idempotent: facts.idempotent }) as AnyRoutine;
    const list = decodeArguments(args) as never;
    const options: CallOptions = { ...facts.options, signal };
    switch (shape) {
      case "unary":
        return dispatcher.call(called as never, list, options)
          .then((result) => encodePayload(result, "result"));
      case "stream":
        return encoded(dispatcher.stream(called as never, list, options));
      case "duplex":
        return encoded(
          dispatcher.duplex(called as never, decoded(input) as never, list, options),
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
