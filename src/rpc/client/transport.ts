import type { DescMessage, DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport as createConnectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpcTransport } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWebTransport } from "@connectrpc/connect/protocol-grpc-web";
import type { ClientConnection } from "../../http2/mod.ts";
import { compressionNames, compressionOf } from "../wire/compression.ts";
import { createFastUnary } from "./unary_fast_path.ts";
import { defaultRpcLimits } from "../wire/limits.ts";
import { methodPath } from "../wire/method_path.ts";
import { RequestBody } from "./request_body.ts";
import { notBegun } from "../wire/stream_failure.ts";
import { sendRequest } from "./plain_exchange.ts";
import type { TransportOptions } from "./transport_options.ts";

/** A connect-es transport on our own HTTP/2 connections, for `createClient`. */
export function createTransport(options: TransportOptions): Transport {
  const methods = new Map<string, DescMethod>();
  const plain = createPlainTransport(options, methods);
  const fast = takesFastLane(options) ? createFastUnary(options) : undefined;

  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      if (fast !== undefined && !isGet(options, method)) {
        return fast(method, signal, timeoutMs, header, input);
      }
      methods.set(methodPath(method), method);
      return plain.unary(method, signal, timeoutMs, header, input, contextValues);
    },
    stream(method, signal, timeoutMs, header, input, contextValues) {
      methods.set(methodPath(method), method);
      return plain.stream(method, signal, timeoutMs, header, input, contextValues);
    },
  };
}

function takesFastLane({ protocol, format, compression, interceptors }: TransportOptions): boolean {
  return protocol !== "grpc-web" && format !== "json" && compression === undefined &&
    (interceptors === undefined || interceptors.length === 0);
}

function isGet(
  { useHttpGet, protocol = "connect" }: TransportOptions,
  method: DescMethodUnary<DescMessage, DescMessage>,
): boolean {
  return useHttpGet === true && protocol === "connect" &&
    method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

function createPlainTransport(
  options: TransportOptions,
  methods: ReadonlyMap<string, DescMethod>,
): Transport {
  const { scheme = "https", acceptCompression = compressionNames, compression } = options;
  const limits = { ...defaultRpcLimits, ...options.limits };
  const common = {
    httpClient: createHttpClient(options, methods),
    baseUrl: `${scheme}://selvage`,
    useBinaryFormat: options.format !== "json",
    interceptors: [...options.interceptors ?? []],
    acceptCompression: acceptCompression.map(compressionOf),
    sendCompression: compression === undefined ? null : compressionOf(compression),
    compressMinBytes: limits.compressFromBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.sendBytes,
    ...(options.json === undefined ? {} : { jsonOptions: options.json }),
    ...(options.timeoutMs === undefined ? {} : { defaultTimeoutMs: options.timeoutMs }),
  };
  switch (options.protocol) {
    case "grpc":
      return createGrpcTransport(common);
    case "grpc-web":
      return createGrpcWebTransport(common);
    default:
      return createConnectTransport({ ...common, useHttpGet: options.useHttpGet === true });
  }
}

/** Sends a request to the placement it is given, and to another where it is known not to have begun. */
function createHttpClient(
  { place, scheme = "https", authority = "selvage", limits }: TransportOptions,
  methods: ReadonlyMap<string, DescMethod>,
): UniversalClientFn {
  return async (request) => {
    const method = methods.get(new URL(request.url).pathname) as DescMethod;
    const { signal } = request;
    const body = request.body === undefined ? undefined : new RequestBody(request.body);
    let failure: unknown;
    let connection: ClientConnection | undefined;
    for (let attempt = 1;; attempt++) {
      try {
        const placement = await place({ method, signal, attempt, failure });
        if (placement.connection === connection) throw failure;
        connection = placement.connection;
        return await sendRequest(connection, request, {
          scheme,
          authority: placement.authority ?? authority,
          fields: placement.fields ?? [],
          body,
          maxBytes: limits?.messageBytes ?? defaultRpcLimits.messageBytes,
          ended: (error) => placement.ended?.(error),
        });
      } catch (error) {
        if (!notBegun(error) || error === failure || body?.repeatable === false) {
          body?.close();
          throw error;
        }
        failure = error;
      }
    }
  };
}
