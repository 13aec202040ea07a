import type { ServerConnectionOptions } from "../http2/mod.ts";
import type { Admit } from "./admission.ts";
import type { RpcRouter } from "./router.ts";

/** What a request handler serves, and to whom. */
export interface RequestHandlerOptions<Peer, Context> {
  /** Made by `createRpcRouter`; complete when it is given here. */
  readonly router: RpcRouter;
  /** Decides on every call before it begins. */
  readonly admit: Admit<Peer, Context>;
}

/** Serves a router: gives, for each peer, what its HTTP/2 connection calls with every request. */
export function createRequestHandler<Peer, Context>(
  _options: RequestHandlerOptions<Peer, Context>,
): (peer: Peer) => ServerConnectionOptions["onRequest"] {
  throw new Error("createRequestHandler is not there yet");
}
