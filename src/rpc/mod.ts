/**
 * Connect, gRPC and gRPC-Web on our HTTP/2: a server of routers, a client transport, and beside both
 * fast lanes in binary form, for unary calls and for streams both ways. Protocol rules are those of
 * connect-es.
 *
 * @module
 */
export * from "./admission.ts";
export * from "./bytes_call.ts";
export * from "./call_context.ts";
export { type CompressionName, compressionNames } from "./compression.ts";
export * from "./duplex_bytes.ts";
export { type DuplexCallOptions, DuplexExchange } from "./duplex_exchange.ts";
export { GATHERED_BYTES } from "./gather_budget.ts";
export * from "./limits.ts";
export * from "./placement.ts";
export * from "./prepared_duplex.ts";
export type { PrepareOptions } from "./prepared_sections.ts";
export * from "./prepared_unary.ts";
export * from "./request_handler.ts";
export {
  createRpcRouter,
  type JsonOptions,
  type RpcRouter,
  type RpcRouterOptions,
} from "./router.ts";
export { brokenOff, connectionLost, notBegun, StreamFailure } from "./stream_failure.ts";
export * from "./transport.ts";
export * from "./unary_bytes.ts";
export { callUnaryBytes, type UnaryCallOptions } from "./unary_call.ts";
