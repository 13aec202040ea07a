/**
 * The SPIFFE Workload API as a source of credentials, over our own gRPC client.
 *
 * @module
 */
export * from "./credentials.ts";
export { endpointSocket } from "./endpoint_socket.ts";
export type { SvidChoice } from "./svid_choice.ts";
export * from "./workload_api.ts";
