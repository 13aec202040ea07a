import type { DescMessage, DescService, Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  anyOf,
  appendProtoHeaders,
  type ErrorShape,
  type Header,
  headersToProto,
  type OneOf,
  type Schema,
} from "./schema.ts";

interface UnaryDefinition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  readonly response: OneOf<{ responseData: Uint8Array; error: ErrorShape }>;
}

interface StreamDefinition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorShape;
}

interface UnaryRequest extends Message {
  readonly responseDefinition?: UnaryDefinition;
}

interface StreamRequest extends Message {
  readonly responseDefinition?: StreamDefinition;
  readonly fullDuplex?: boolean;
}

interface RequestInfo {
  requestHeaders?: Header[];
  timeoutMs?: bigint;
  requests: Any[];
  connectGetInfo?: { queryParams: Header[] };
}

interface Response {
  readonly payload: { readonly data?: Uint8Array; readonly requestInfo?: RequestInfo };
}

/** The service that the suite's own client calls; every request says how it is to be answered. */
export function conformanceService(
  schema: Schema,
): Partial<ServiceImpl<DescService>> {
  const inputOf = (name: string): DescMessage => schema.method(undefined, name).input;

  function infoOf(requests: Any[], context: HandlerContext): RequestInfo {
    const timeoutMs = context.timeoutMs();
    const query = [...new URL(context.url).searchParams];
    return {
      requestHeaders: headersToProto(context.requestHeader),
      ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.round(timeoutMs)) }),
      requests,
      ...(context.requestMethod === "GET"
        ? {
          connectGetInfo: { queryParams: query.map(([name, value]) => ({ name, value: [value] })) },
        }
        : {}),
    };
  }

  /** An error that was asked for; `info` goes along where no response carried it. */
  function failure(error: ErrorShape, info: RequestInfo | undefined): ConnectError {
    const failure = new ConnectError(error.message ?? "", error.code);
    const details = info === undefined
      ? error.details
      : [...error.details, schema.any("ConformancePayload.RequestInfo", info)];
    failure.details = details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
    return failure;
  }

  async function answer(
    definition: UnaryDefinition | undefined,
    requests: Any[],
    context: HandlerContext,
  ): Promise<Response> {
    const requestInfo = infoOf(requests, context);
    appendProtoHeaders(definition?.responseHeaders, context.responseHeader);
    appendProtoHeaders(definition?.responseTrailers, context.responseTrailer);
    await delay(definition?.responseDelayMs, context.signal);
    const response = definition?.response;
    if (response?.case === "error") throw failure(response.value, requestInfo);
    return { payload: { requestInfo, ...(response?.value && { data: response.value }) } };
  }

  function unary(name: string) {
    return (request: UnaryRequest, context: HandlerContext) =>
      answer(request.responseDefinition, [anyOf(request, inputOf(name))], context);
  }

  /** The responses of a stream from `first` on; the first of all describes the requests. */
  async function* rest(
    definition: StreamDefinition | undefined,
    first: number,
    requests: Any[],
    context: HandlerContext,
  ): AsyncGenerator<Response> {
    if (definition === undefined) return;
    for (let at = first; at < definition.responseData.length; at++) {
      await delay(definition.responseDelayMs, context.signal);
      yield responseAt(definition, at, at === 0 ? infoOf(requests, context) : undefined);
    }
    if (definition.error !== undefined) {
      const told = Math.max(first, definition.responseData.length) > 0;
      throw failure(definition.error, told ? undefined : infoOf(requests, context));
    }
  }

  const implementation = {
    unary: unary("Unary"),
    idempotentUnary: unary("IdempotentUnary"),

    async clientStream(requests: AsyncIterable<UnaryRequest>, context: HandlerContext) {
      const received: UnaryRequest[] = [];
      for await (const request of requests) received.push(request);
      const input = inputOf("ClientStream");
      const anys = received.map((request) => anyOf(request, input));
      return await answer(received[0]?.responseDefinition, anys, context);
    },

    async *serverStream(request: StreamRequest, context: HandlerContext) {
      const { responseDefinition } = request;
      announce(responseDefinition, context);
      yield* rest(responseDefinition, 0, [anyOf(request, inputOf("ServerStream"))], context);
    },

    async *bidiStream(requests: AsyncIterable<StreamRequest>, context: HandlerContext) {
      const input = inputOf("BidiStream");
      let definition: StreamDefinition | undefined;
      let fullDuplex = false;
      let received: Any[] = [];
      let answered = 0;
      let first = true;
      for await (const request of requests) {
        if (first) {
          ({ responseDefinition: definition, fullDuplex = false } = request);
          announce(definition, context);
          first = false;
        }
        received.push(anyOf(request, input));
        if (!fullDuplex) continue;
        if (definition === undefined || answered >= definition.responseData.length) break;
        await delay(definition.responseDelayMs, context.signal);
        const info = answered === 0 ? infoOf(received, context) : { requests: received };
        yield responseAt(definition, answered++, info);
        received = [];
      }
      yield* rest(definition, answered, received, context);
    },
  };
  return implementation as unknown as Partial<ServiceImpl<DescService>>;
}

function announce(definition: StreamDefinition | undefined, context: HandlerContext): void {
  appendProtoHeaders(definition?.responseHeaders, context.responseHeader);
  appendProtoHeaders(definition?.responseTrailers, context.responseTrailer);
}

function responseAt(
  definition: StreamDefinition,
  at: number,
  requestInfo: RequestInfo | undefined,
): Response {
  const data = definition.responseData[at] ?? new Uint8Array(0);
  return { payload: { data, ...(requestInfo && { requestInfo }) } };
}

/** Waits as the suite asks; an aborted call waits no longer. */
function delay(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms === undefined || ms === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
