/** The protocol that a caller speaks. */
export type RpcProtocol = "connect" | "grpc" | "grpc-web";
