import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../../http2/mod.ts";
import type { RpcProtocol } from "../wire/protocol.ts";

/** A call whose header section has arrived, and nothing of its body has been looked at. */
export interface ArrivingCall<Peer> {
  /** The path it asks for, without a query: `/package.Service/Method`. */
  readonly path: string;
  /** The method that is served there. */
  readonly method: DescMethod;
  /** The protocol it comes in. */
  readonly protocol: RpcProtocol;
  /** The header section as received, pseudo-headers included. */
  readonly fields: HeaderList;
  /** Who calls. */
  readonly peer: Peer;
  /** The time the caller gives it, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Says what becomes of the call while the decision about it is awaited. */
  wait(observer: WaitingCallObserver): void;
}

/** What is reported about a call while the decision about it is awaited. */
export interface WaitingCallObserver {
  /** So many bytes of its body have arrived, and are kept. Those that had arrived before are reported at once. */
  received(bytes: number): void;
  /** The caller cancelled it, or is gone. */
  gone(): void;
}

/** A call that may begin. */
export interface Admitted<Context> {
  readonly admitted: true;
  /** Reaches the implementation; see {@linkcode callContext}. */
  readonly context: Context;
  /** Called exactly once, when the implementation has finished, whichever way, or never begun. */
  release(): void;
}

/** What was decided about an arriving call. */
export type Admission<Context> =
  | Admitted<Context>
  | {
    readonly admitted: false;
    /** Answered in the caller's own protocol. */
    readonly error: ConnectError;
  };

/**
 * Decides whether a call may begin, on every path, before anything of its body is kept beyond the
 * stream's window. What it throws is answered as an internal error.
 */
export type Admit<Peer, Context> = (
  call: ArrivingCall<Peer>,
) => Admission<Context> | Promise<Admission<Context>>;
