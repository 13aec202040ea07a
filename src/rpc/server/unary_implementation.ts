import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { readBinary } from "../wire/binary_form.ts";
import { FastContext } from "./fast_context.ts";
import type { UnaryHandler } from "./unary_call.ts";
import type { Implementation } from "./plain_implementation.ts";

/** How the fast path runs the implementation of a unary method. */
export function unaryHandlerOf(method: DescMethodUnary, invoke: Implementation): UnaryHandler {
  const { input, output } = method;
  return (request, call) => {
    const context = new FastContext(call);
    const answer = invoke(readBinary(input, request) as never, context);
    return isPromise(answer)
      ? answer.then((message) => context.write(output, message as Message))
      : context.write(output, answer as Message);
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
