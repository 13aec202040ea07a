/**
 * Implementations of routines: the payload codec, the call envelope, remote errors, the call
 * context.
 *
 * @module
 */
export * from "./call_context.ts";
export { type Ambient, NO_AMBIENT, withAmbient } from "./envelope/ambient.ts";
export { decodeCallResponse, encodeCallResponse } from "./envelope/answer_envelope.ts";
export {
  type CallEnvelope,
  decodeCallRequest,
  encodeCallRequest,
  NO_ARGUMENTS,
} from "./envelope/call_envelope.ts";
export * from "./envelope/generated.ts";
export { encodeSmallInput } from "./envelope/small_input.ts";
export * from "./envelope/stream_envelope.ts";
export { failureInDetails, fromConnectError, toConnectError } from "./failure/connect_error.ts";
export { readFailure } from "./failure/read_failure.ts";
export { keepStackHere, sendAllData, thrownOriginally } from "./failure/thrown.ts";
export { writeFailure } from "./failure/write_failure.ts";
export { freeLarge } from "./headroom.ts";
export { DecodedBatch } from "./payload/decoded_batch.ts";
export * from "./payload/limits.ts";
export * from "./payload/payload.ts";
export * from "./routine_header.ts";
export * from "./serve/credit.ts";
export type { UnreadBytes } from "./serve/input_queue.ts";
export * from "./serve/stream_call.ts";
export * from "./serve/invoke.ts";
export * from "./serve/pulled_items.ts";
export * from "./serve/routine_table.ts";
