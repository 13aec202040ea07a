import type { FastCall } from "./fast_call.ts";
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { areValid } from "../wire/header_fields.ts";
import type { ArrivedRequest } from "./plain_call.ts";
import type { Route } from "./router.ts";
import { StreamCall, type StreamHandler } from "./stream_call.ts";
import { streamHandlerOf } from "./stream_implementation.ts";
import { UnaryCall, type UnaryHandler } from "./unary_call.ts";
import { unaryHandlerOf } from "./unary_implementation.ts";

/** Makes a call on the fast path; nothing where the request is not in a form for it. */
export type FastPath = (
  request: ArrivedRequest,
  peer: unknown,
) => FastCall<DescMethod> | undefined;

/** The fast path of a route's calls, where its implementation may be reached without connect-es. */
export function fastPathOf({ method, implementation }: Route): FastPath | undefined {
  if (implementation === undefined) return undefined;
  switch (implementation.on) {
    case "bytes":
      return ofUnary(implementation.invoke);
    case "streams":
      return ofStreams(implementation.invoke);
    case "messages":
      return method.methodKind === "unary"
        ? ofUnary(unaryHandlerOf(method as DescMethodUnary, implementation.invoke))
        : ofStreams(streamHandlerOf(method, implementation.invoke));
  }
}

function ofUnary(handler: UnaryHandler): FastPath {
  return (request, peer) =>
    request.facts.plainBinary ? new UnaryCall(request, handler, peer) : undefined;
}

function ofStreams(handler: StreamHandler): FastPath {
  return (request, peer) =>
    request.facts.plainStream && areValid(request.fields)
      ? new StreamCall(request, handler, peer)
      : undefined;
}
