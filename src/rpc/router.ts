import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import type { RpcLimits } from "./limits.ts";
import type { UnaryBytesHandler } from "./unary_bytes.ts";

/** What every service of a router shares. */
export interface RpcRouterOptions {
  /** Overrides of the default limits. Per-service options may lower them, never lift them. */
  readonly limits?: Partial<RpcLimits>;
}

/**
 * A connect-es router that also records the implementations, so that unary calls in binary form can
 * take the fast lane. Per-service options cannot lift a limit nor bring a protocol back.
 */
export interface RpcRouter extends ConnectRouter {
  /**
   * Answers the unary calls of `method` that arrive in binary form, over Connect or gRPC, from their
   * bytes. The service must be registered too: it answers those that arrive otherwise.
   */
  unaryBytes<Peer, Context>(
    method: DescMethodUnary,
    handler: UnaryBytesHandler<Peer, Context>,
  ): this;
}

/** Creates an empty router. */
export function createRpcRouter(_options: RpcRouterOptions = {}): RpcRouter {
  throw new Error("createRpcRouter is not there yet");
}
