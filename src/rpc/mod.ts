/**
 * Connect, gRPC and gRPC-Web on our HTTP/2: a server of routers, a client transport, and beside both
 * fast paths in binary form, for unary calls and for streams both ways. Protocol rules are those of
 * connect-es.
 *
 * @module
 */
export * from "./server/admission.ts";
export * from "./server/bytes_call.ts";
export { type AnswerObserver, callContext } from "./server/call_context.ts";
export { type CompressionName } from "./wire/compression.ts";
export { StreamExchange } from "./client/stream_exchange.ts";
export { iteratorOf } from "./client/caller_input.ts";
export {
  callStream,
  type FastStreamResponse,
  prepareStream,
  type ReceivedMessages,
} from "./client/stream_fast_path.ts";
export { GATHERED_BYTES } from "./wire/gather_budget.ts";
export { headersOf } from "./wire/header_fields.ts";
export { mostBytesTaken } from "./wire/call_errors.ts";
export * from "./wire/limits.ts";
export * from "./client/prepared_request.ts";
export * from "./server/request_handler.ts";
export { createRpcRouter, type RpcRouter, type RpcRouterOptions } from "./server/router.ts";
export {
  brokenOff,
  connectionLost,
  distrustedByUs,
  headersTooLarge,
  notBegun,
  peerAccused,
  peerLeft,
  peerSilent,
  StreamFailure,
} from "./wire/stream_failure.ts";
export * from "./client/transport.ts";
export type { TransportChoices } from "./client/transport_choices.ts";
export { intercepted } from "./client/intercepted.ts";
export {
  callUnaryBytes,
  sendUnaryBytes,
  type UnaryReceiver,
  type UnaryResponseBytes,
} from "./client/unary_exchange.ts";
export { fieldsOfHeaders, prepareMethod, readResponse } from "./client/unary_fast_path.ts";
export { writeBinary } from "./wire/binary_form.ts";
export type { TransportOptions } from "./client/transport_options.ts";
export type { RpcProtocol } from "./wire/protocol.ts";
export { endNow, observeAnswer } from "./server/call_ending.ts";
export { admittedWith, fastCallOf, provide, withoutStatusDetails } from "./server/fast_context.ts";
