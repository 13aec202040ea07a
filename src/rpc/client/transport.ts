import type { DescMessage, DescMethodUnary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { createTransport as createConnectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpcTransport } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWebTransport } from "@connectrpc/connect/protocol-grpc-web";
import { CallerInput } from "./caller_input.ts";
import { compressionNames, compressionOf } from "../wire/compression.ts";
import { defaultRpcLimits } from "../wire/limits.ts";
import { sendRequest } from "./plain_exchange.ts";
import type { TransportOptions } from "./transport_options.ts";
import { createFastStream } from "./stream_fast_path.ts";
import { createFastUnary } from "./unary_fast_path.ts";
import { present, untilAborted } from "../../values/mod.ts";

/** A connect-es transport on one of our own HTTP/2 connections, for `createClient`. */
export function createTransport(options: TransportOptions): Transport {
  const plain = createPlainTransport(options);
  if (!takesFastPath(options)) return plain;
  const fast = createFastUnary(options);
  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      const unary = takesGet(options, method) ? plain.unary : fast;
      return unary(method, signal, timeoutMs, header, input, contextValues);
    },
    stream: takesFastStreams(options) ? createFastStream(options) : plain.stream,
  };
}

/** Whether unary calls of a transport take the fast path, but for those that {@linkcode takesGet} names. */
export function takesFastPath(
  { protocol, format, compression, interceptors }: Omit<TransportOptions, "connection">,
): boolean {
  return protocol !== "grpc-web" && format !== "json" && compression === undefined &&
    (interceptors === undefined || interceptors.length === 0);
}

/**
 * Whether streams of a transport take the fast path, too: over Connect, and without compression of their messages, which
 * is named by those who want it.
 */
export function takesFastStreams(
  options: Omit<TransportOptions, "connection">,
): boolean {
  const { protocol, acceptCompression = [] } = options;
  return takesFastPath(options) && protocol !== "grpc" && acceptCompression.length === 0;
}

/** Whether calls of a method are made with GET, which is not for the fast path. */
export function takesGet(
  { useHttpGet, protocol = "connect" }: Pick<TransportOptions, "useHttpGet" | "protocol">,
  method: DescMethodUnary<DescMessage, DescMessage>,
): boolean {
  return useHttpGet === true && protocol === "connect" &&
    method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

function createPlainTransport(options: TransportOptions): Transport {
  const { connection, authority = "selvage", scheme = "https", compression } = options;
  const { acceptCompression = compressionNames } = options;
  const limits = { ...defaultRpcLimits, ...options.limits };
  const common: Parameters<typeof createConnectTransport>[0] = {
    httpClient: async (request) =>
      await sendRequest(connection, request, {
        scheme,
        authority,
        fields: options.fields && await untilAborted(options.fields(), request.signal),
        maxBytes: limits.messageBytes,
        ended: options.ended,
      }),
    baseUrl: `${scheme}://selvage`,
    useBinaryFormat: options.format !== "json",
    interceptors: [...options.interceptors ?? []],
    acceptCompression: acceptCompression.map(compressionOf),
    sendCompression: compression === undefined ? null : compressionOf(compression),
    compressMinBytes: limits.compressFromBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.sendBytes,
    ...present({ jsonOptions: options.json, defaultTimeoutMs: options.timeoutMs }),
  };
  const transport = createOf(options, common);
  return {
    unary: transport.unary.bind(transport),
    stream: (method, signal, timeoutMs, header, input, values) =>
      transport.stream(method, signal, timeoutMs, header, new CallerInput(input), values),
  };
}

function createOf(
  { protocol, useHttpGet }: TransportOptions,
  common: Parameters<typeof createConnectTransport>[0],
): Transport {
  switch (protocol) {
    case "grpc":
      return createGrpcTransport(common);
    case "grpc-web":
      return createGrpcWebTransport(common);
    default:
      return createConnectTransport({ ...common, useHttpGet: useHttpGet === true });
  }
}
