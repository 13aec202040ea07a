/**
 * Byte channels: dialling and listening with TLS, unix sockets, plaintext, in memory.
 * What a channel learns of its peer it reports as facts; judging is for `peer/`.
 *
 * @module
 */
export * from "./address.ts";
export { ASSUMED_DESCRIPTORS, openFileLimit, prepareForScarcity } from "./descriptors.ts";
export * from "./dial.ts";
export * from "./dial_signal.ts";
export * from "./facts.ts";
export * from "./listen.ts";
export * from "./listen_options.ts";
export type { ListeningState } from "./listening_socket.ts";
export * from "./memory_network.ts";
export * from "./socket_admission.ts";
export * from "./socket_limits.ts";
export { inspectSocket, type SocketOwnership } from "./socket_ownership.ts";
export { NOT_TLS_CODE } from "./native_acceptance.ts";
export { listenNatively, NATIVE_DESCRIPTORS } from "./native_listener.ts";
export { claimSocketPath, listenPrivately } from "./unix_path.ts";
export { alertReceived } from "./tls/tls_alert.ts";
export * from "./tls/tls_client.ts";
export { type ServerTls, serverTls } from "./tls/tls_server.ts";
