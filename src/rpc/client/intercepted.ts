import {
  type ContextValues,
  createContextValues,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createMethodUrl, runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import { present } from "../../values/mod.ts";
import { CallerInput } from "./caller_input.ts";

/**
 * A transport whose calls pass interceptors, each once a call, however often `transport` makes it again.
 *
 * @param interceptors In the order of connect-es: the first is the outermost.
 */
export function intercepted(transport: Transport, interceptors: readonly Interceptor[]): Transport {
  return {
    unary(method, signal, timeoutMs, header, message, values = createContextValues()) {
      return runUnaryCall({
        ...running(interceptors, signal, timeoutMs),
        req: { ...request(method, header, values), stream: false, method, message },
        next: ({ signal, header, message, contextValues }) =>
          transport.unary(method, signal, timeoutMs, header, message as never, contextValues),
      });
    },
    stream(method, signal, timeoutMs, header, message, values = createContextValues()) {
      return runStreamingCall({
        ...running(interceptors, signal, timeoutMs),
        req: {
          ...request(method, header, values),
          stream: true,
          method,
          message: new CallerInput(message),
        },
        next: ({ signal, header, message, contextValues }) =>
          transport.stream(method, signal, timeoutMs, header, message as never, contextValues),
      });
    },
  };
}

function running(
  interceptors: readonly Interceptor[],
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
) {
  return {
    interceptors: [...interceptors],
    ...present({ signal }),
    ...(timeoutMs === undefined || timeoutMs <= 0 ? {} : { timeoutMs }),
  };
}

function request<Method extends Parameters<typeof createMethodUrl>[1]>(
  method: Method,
  header: HeadersInit | undefined,
  contextValues: ContextValues,
) {
  return {
    service: method.parent,
    requestMethod: "POST" as const,
    url: createMethodUrl("https://selvage", method),
    header: new Headers(header),
    contextValues,
  };
}
