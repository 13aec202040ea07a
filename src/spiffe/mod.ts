/**
 * The SPIFFE Workload API as a source of credentials, over our own gRPC client.
 *
 * @module
 */
export * from "./credentials.ts";
export { endpointOfEnv, endpointSocket } from "./endpoint_socket.ts";
export * from "./jwt_bundles.ts";
export * from "./jwt_svid.ts";
export type { SvidChoice } from "./svid_choice.ts";
export * from "./workload_api.ts";
