import type { HeldBytes } from "../guard/byte_budget.ts";
import type { Schedule } from "../deadlines.ts";
import type { ErrorCode } from "../error_code.ts";
import type { EventBudget } from "../guard/event_budget.ts";
import type { HeaderList } from "../header_list.ts";
import type { Http2Limits } from "../limits.ts";
import type { Stream, StreamReceiver } from "../streams/stream.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  /** `orderly`: nothing was lost; `lost`: the channel went away; `violated`: the peer broke the protocol; `accused`: the peer says we did. */
  readonly how: "orderly" | "lost" | "violated" | "accused";
  /** The code of the GOAWAY that ended it, ours or the peer's; NO_ERROR where there was none. */
  readonly code: ErrorCode;
  /** The debug data of the peer's GOAWAY, at most 256 bytes of it. */
  readonly debugData?: Uint8Array;
  /** What ended the connection: the channel's error, or the violation. */
  readonly error?: Error;
}

/** `open`: takes new streams · `draining`: finishes those it has (GOAWAY sent or received) · `closed`. */
export type ConnectionState = "open" | "draining" | "closed";

/** Options of both ends. */
export interface ConnectionOptions {
  /** Overrides of the defaults in `limits.ts`. */
  readonly limits?: Partial<Http2Limits>;
  /** Time since start in milliseconds, injected by tests. Default: `performance.now`. */
  readonly clock?: () => number;
  /** Calls back after a delay, injected by tests. Default: a timer that does not keep the process alive. */
  readonly schedule?: Schedule;
  /** The budget of bytes that this connection shares with others. Default: that of the process. */
  readonly budget?: HeldBytes;
  /**
   * How many streams the peer may reset, where it shares that among its connections: one that comes
   * again does not begin anew. Default: what `limits` say, for this connection.
   */
  readonly resets?: EventBudget;
  /**
   * Called with an error of our own: one that a receiver or `onRequest` threw, or that reading a frame
   * threw and that no peer is to blame for. Must not throw. Default: only the stream or the connection
   * ends with `INTERNAL_ERROR`.
   */
  readonly onFault?: (error: Error) => void;
  /** Called when `state` changes. */
  readonly onState?: (state: ConnectionState) => void;
  /** Called when the peer sent GOAWAY, before the streams it disowns are closed as `not-processed`. */
  readonly onGoAway?: (
    goAway: {
      readonly lastStreamId: number;
      readonly code: ErrorCode;
      readonly debugData: Uint8Array;
    },
  ) => void;
}

/** Options of the server end. */
export interface ServerConnectionOptions extends ConnectionOptions {
  /**
   * A request's header section arrived and is valid (RFC 9113 §8). Decides synchronously who receives the rest;
   * may already answer, reset or refuse the stream here, before any body is buffered.
   */
  readonly onRequest: (stream: Stream, fields: HeaderList, endStream: boolean) => StreamReceiver;
}

/** What both ends share. */
export interface Connection {
  /** Whether the connection takes new streams. */
  readonly state: ConnectionState;
  /** Streams that are open or waiting to be opened. */
  readonly streamCount: number;
  /** Resolves when the connection is over and the channel closed; never rejects. */
  readonly closed: Promise<ConnectionEnd>;
  /** Sends PING and resolves with the round trip in milliseconds; rejects when the connection ends first. */
  ping(): Promise<number>;
  /**
   * Ends in an orderly way: no new streams, those under way finish. The server announces it in two steps
   * (RFC 9113 §6.8: GOAWAY 2^31-1 and a PING, then the real last id). Resolves as `closed` does.
   */
  shutdown(): Promise<ConnectionEnd>;
  /** Ends now: GOAWAY with `code` and `debugData`, streams are reset or reported lost, the channel is ended and closed. */
  abort(code: ErrorCode, debugData?: Uint8Array): void;
}

/** The client end. */
export interface ClientConnection extends Connection {
  /** How many streams may be opened now without waiting for the peer's concurrency limit. */
  readonly capacity: number;
  /** The largest header list that the peer takes, in bytes by RFC 9113 §6.5.2; `Infinity` until it says. */
  readonly peerMaxHeaderListBytes: number;
  /**
   * Opens a stream. Beyond the peer's concurrency limit it waits its turn inside the connection, unsent,
   * where `reset` takes it back unsent too. On a connection that is not `open`, `receiver.closed` reports `not-processed`.
   *
   * @param options `body` is sent behind the HEADERS where given; `endStream` ends our direction after it.
   * @throws {TypeError} for fields that RFC 9113 §8 calls malformed.
   */
  open(
    fields: HeaderList,
    receiver: StreamReceiver,
    options: { readonly endStream: boolean; readonly body?: Uint8Array },
  ): Stream;
}

/** The server end. */
export type ServerConnection = Connection;
