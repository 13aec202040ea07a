/**
 * Implementations of routines: the payload codec, the call envelope, remote errors, the call
 * context.
 *
 * @module
 */
export { decodeCallResponse, encodeCallResponse } from "./envelope/answer_envelope.ts";
export {
  type CallEnvelope,
  decodeCallRequest,
  encodeCallRequest,
  NO_ARGUMENTS,
} from "./envelope/call_envelope.ts";
export * from "./envelope/generated.ts";
export * from "./envelope/stream_envelope.ts";
export * from "./payload/payload.ts";
export * from "./routine_header.ts";
