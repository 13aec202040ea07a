import {
  type ClientConnection,
  ErrorCode,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type ServerConnection,
} from "../../src/http2/mod.ts";
import {
  type Admit,
  createRequestHandler,
  createRpcRouter,
  type RpcRouter,
  type RpcRouterOptions,
} from "../../src/rpc/mod.ts";
import { Tally } from "./tally.ts";

/** A client connection, and a server that serves what was registered, joined in memory. */
export interface RpcPair extends AsyncDisposable {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
  /** Calls that were admitted and not released yet. */
  readonly running: () => number;
  /** Calls that were admitted. */
  readonly admitted: () => number;
  /** Resolves once a call was admitted. */
  begun(): Promise<void>;
  /** Resolves once every admitted call was released. */
  idle(): Promise<void>;
  /** Cuts the channel between the two. */
  lose(): void;
  /** Lets the client take no new calls. */
  retire(): void;
}

/** Options of {@linkcode rpcPair}. */
export interface RpcPairOptions extends RpcRouterOptions {
  /** Default: every call is admitted, with the context `"admitted"`. */
  readonly admit?: Admit<string, unknown>;
  /** What messages may take while they arrive. Default: the budget of the process. */
  readonly gatheredBytes?: number;
}

/** Serves what `register` registers to a client in memory. */
export function rpcPair(
  register: (router: RpcRouter) => void,
  options: RpcPairOptions = {},
): RpcPair {
  const router = createRpcRouter(options);
  register(router);
  const running = new Tally();
  const admitted = new Tally();
  const admit: Admit<string, unknown> = options.admit ?? (() => {
    admitted.add(1);
    running.add(1);
    return { admitted: true, context: "admitted", release: () => running.add(-1) };
  });
  const { gatheredBytes } = options;
  const handler = createRequestHandler<string, unknown>({ router, admit, gatheredBytes });
  const onRequest = handler("a peer");
  const [left, right] = memoryChannelPair();
  const server = openServerConnection(right, { onRequest });
  const client = openClientConnection(left);
  return {
    client,
    server,
    running: () => running.value,
    admitted: () => admitted.value,
    begun: () => admitted.until((calls) => calls > 0),
    idle: () => running.until((calls) => calls === 0),
    lose: () => left.destroy(),
    retire: () => void client.shutdown(),
    async [Symbol.asyncDispose](): Promise<void> {
      client.abort(ErrorCode.NO_ERROR);
      await Promise.all([client.closed, server.closed]);
    },
  };
}
