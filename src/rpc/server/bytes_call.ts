import type { DescMethod } from "@bufbuild/protobuf";
import type { HeaderList } from "../../http2/mod.ts";
import type { RpcProtocol } from "../wire/protocol.ts";

/** A call in binary form, as what answers it from its bytes sees it. */
export interface BytesCall<Method extends DescMethod, Peer, Context> {
  /** The method that is called. */
  readonly method: Method;
  /** The protocol it comes in. */
  readonly protocol: RpcProtocol;
  /** Who calls. */
  readonly peer: Peer;
  /** What the call was admitted with. */
  readonly context: Context;
  /** The header section as received, pseudo-headers included. */
  readonly fields: HeaderList;
  /** The time the caller gave it, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** When that time is over, on the scale of `performance.now()`. */
  readonly deadline: number | undefined;
  /**
   * Aborts at the deadline, or when the caller cancels or is lost, with a `ConnectError` as its
   * reason. Made when first asked for: who does not look at it pays nothing.
   */
  readonly signal: AbortSignal;
}
