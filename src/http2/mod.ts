/**
 * HTTP/2 (RFC 9113, RFC 7541) on any {@linkcode ByteChannel}: frames, HPACK, streams, flow control,
 * client and server connections. Knows nothing of TLS, identity or telemetry.
 *
 * @module
 */
export * from "./guard/byte_budget.ts";
export * from "./byte_channel.ts";
export * from "./connection/client_connection.ts";
export * from "./connection/connection.ts";
export type { Schedule } from "./deadlines.ts";
export * from "./error_code.ts";
export { CONNECTION_FIELDS } from "./fields/field_syntax.ts";
export * from "./guard/event_budget.ts";
export * from "./header_list.ts";
export * from "./limits.ts";
export * from "./memory_channel.ts";
export * from "./connection/keepalive_timeout.ts";
export * from "./connection/header_list_too_large.ts";
export * from "./connection/peer_accused.ts";
export * from "./connection/peer_left.ts";
export * from "./connection/server_connection.ts";
export * from "./streams/stream.ts";
export * from "./violation.ts";
