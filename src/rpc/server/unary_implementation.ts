import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { readBinary, writeBinary } from "../wire/binary_form.ts";
import { FastContext } from "./fast_context.ts";
import type { UnaryHandler } from "./unary_call.ts";
import type { Implementation } from "./plain_implementation.ts";

/** How the fast path runs the implementation of a unary method. */
export function unaryHandlerOf(method: DescMethodUnary, invoke: Implementation): UnaryHandler {
  return (request, call) => {
    const output = invoke(readBinary(method.input, request) as never, new FastContext(call));
    return isPromise(output)
      ? output.then((message) => writeBinary(method.output, message as Message))
      : writeBinary(method.output, output as Message);
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
