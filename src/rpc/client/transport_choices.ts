import type { Interceptor } from "@connectrpc/connect";
import type { CompressionName } from "../wire/compression.ts";
import type { RpcProtocol } from "../wire/protocol.ts";

/** How the calls of a transport are made. */
export interface TransportChoices {
  /** The protocol. Default: `connect`. */
  readonly protocol?: RpcProtocol | undefined;
  /** Whether messages are sent in binary form, not as JSON. Default: `true`. */
  readonly useBinaryFormat?: boolean | undefined;
  /**
   * Run around every call, each once, also where the call is retried at another worker. The first is
   * the outermost. Default: none.
   */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** The compression of requests. Responses may have any. Default: none. */
  readonly compression?: CompressionName | undefined;
  /** Whether methods without side effects are called with GET; Connect only. Default: `false`. */
  readonly useHttpGet?: boolean | undefined;
}
