import type { ErrorCode } from "../error_code.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import type { ReceivedBlock } from "./received_block.ts";

/**
 * Where a client and a server really differ: who opens streams and gives them their ids, what a
 * header section on a stream means, and what the end of a stream or of the connection brings along.
 * Everything else of a connection is the same on both ends.
 */
export interface Role {
  /** Streams that are open or waiting to be opened. */
  readonly streamCount: number;
  /** The highest id of the peer's streams that was or might be acted upon (RFC 9113 §6.8). */
  readonly lastPeerStreamId: number;
  /** All streams, also those that have no id yet. */
  allStreams(): Http2Stream[];
  /** Whether no stream of this id was ever opened (RFC 9113 §5.1). */
  isIdleId(streamId: number): boolean;

  /** Runs a flush of HEADERS soon: after what has caused it, and before the turn ends. */
  deferHeaders(flush: () => void): void;
  /** The first HEADERS of this stream are about to be written. */
  streamStarts(stream: Http2Stream): void;
  /** END_STREAM was written. */
  endSent(stream: Http2Stream): void;
  /** A stream has ended and is no longer in the table. */
  streamOver(stream: Http2Stream): void;

  /** A header section arrived on a stream that is not open. */
  headersOnNoStream(
    streamId: number,
    block: ReceivedBlock,
    endStream: boolean,
    dependsOn: number,
  ): void;
  /** A header section arrived on a stream that has had no final one yet. */
  leadingHeaders(stream: Http2Stream, block: ReceivedBlock, endStream: boolean): void;
  /** RST_STREAM arrived on an open stream. */
  resetByPeer(stream: Http2Stream, code: ErrorCode): void;

  /** The peer's SETTINGS have been applied. */
  settingsApplied(): void;
  /** The peer will not process our streams above this id. */
  disown(lastStreamId: number, code: ErrorCode): void;
  /** Announces that the connection ends once its streams have. */
  beginShutdown(): void;
}

/** What each end says first, and what window it gives beside calls. */
export interface Greeting {
  /** What we send before our SETTINGS. */
  readonly preface: Uint8Array;
  /** What the peer has to send before its SETTINGS. */
  readonly peerPreface: Uint8Array;
  /** Settings that only this end sends, as pairs of identifier and value. */
  readonly settings: readonly (readonly [number, number])[];
  /** Whether the peer may send SETTINGS_ENABLE_PUSH = 1 (RFC 9113 §6.5.2: a client may). */
  readonly peerMayEnablePush: boolean;
  /**
   * The window of a stream between whose frames small messages of others arrive, in octets: what is on the way is what
   * they wait for. Requests wait less behind as much than answers do; `docs/performance-changes.md` compares sizes.
   */
  readonly sharedWindowBytes: number;
}
