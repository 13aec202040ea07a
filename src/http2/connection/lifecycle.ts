import type { ByteChannel } from "../byte_channel.ts";
import type { Deadlines } from "../deadlines.ts";
import { ErrorCode } from "../error_code.ts";
import { encodeGoAway } from "../frame/go_away.ts";
import type { Http2Limits } from "../limits.ts";
import type { SendScheduler } from "../send/send_scheduler.ts";
import type { Streams } from "../streams/streams.ts";
import { Http2Violation } from "../violation.ts";
import type { ConnectionEnd, ConnectionOptions, ConnectionState } from "./connection.ts";
import { PeerAccused } from "./peer_accused.ts";
import { PeerLeft } from "./peer_left.ts";
import type { Pings } from "./pings.ts";
import type { Role } from "./role.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** The last id of a GOAWAY that disowns no stream yet (RFC 9113 §6.8). */
const NO_STREAM_DISOWNED = 0x7fff_ffff;

/** What a {@linkcode Lifecycle} works with. */
export interface LifecycleParts {
  readonly channel: ByteChannel;
  readonly onState: ConnectionOptions["onState"];
  readonly limits: Http2Limits;
  readonly scheduler: SendScheduler;
  readonly deadlines: Deadlines;
  readonly pings: Pings;
  readonly streams: Streams;
  readonly role: () => Role;
  /** Reads nothing more. */
  readonly stopReading: () => void;
  /** The channel is closed, and the connection with it. */
  readonly released: () => void;
}

/**
 * A connection's way from open over draining to closed (RFC 9113 §5.4.1, §6.8): the GOAWAYs of both
 * ends, what becomes of the streams, and how the channel ends.
 */
export class Lifecycle {
  /** Resolves once the channel is closed. */
  readonly closed: Promise<ConnectionEnd>;
  /** The last id of our latest GOAWAY. */
  announcedLastId: number | undefined;
  /** Whether that GOAWAY is our last word: any id may be the last, the highest that there is too. */
  #disowns = false;
  /** The code and the debug data of the peer's GOAWAY. */
  peerGoAway: { readonly code: ErrorCode; readonly debugData: Uint8Array } | undefined;
  readonly #parts: LifecycleParts;
  #state: ConnectionState = "open";
  #peerEnded = false;
  /** How the connection ends; once set, nothing more is read or sent. */
  #end: ConnectionEnd | undefined;
  #resolveClosed!: (end: ConnectionEnd) => void;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether we have sent the GOAWAY that disowns the streams above its last id. */
  get disowns(): boolean {
    return this.#disowns;
  }

  /** Whether the connection ends or has ended, so that nothing more is read or sent. */
  get ending(): boolean {
    return this.#end !== undefined;
  }

  /** Takes no new streams and ends once those that are open have ended. */
  shutdown(): Promise<ConnectionEnd> {
    if (!this.#end && this.announcedLastId === undefined) {
      this.#parts.role().beginShutdown();
      this.drain();
      this.endIfDrained();
    }
    return this.closed;
  }

  /** Ends now. */
  abort(code: ErrorCode, debugData: Uint8Array = NO_BYTES): void {
    const how = this.#parts.role().streamCount > 0 ? "lost" : "orderly";
    this.endNow({ how, code }, debugData);
  }

  /** Takes no new streams. */
  drain(): void {
    this.#moveTo("draining");
  }

  /** Queues the GOAWAY that disowns no stream yet; {@linkcode Lifecycle.announce} follows. */
  announceShutdown(): void {
    this.announce(NO_STREAM_DISOWNED, ErrorCode.NO_ERROR);
    this.#disowns = false;
  }

  /**
   * Queues a GOAWAY. Its last id never rises (RFC 9113 §6.8), because streams above an announced one are
   * not acted upon.
   */
  announce(lastStreamId: number, code: ErrorCode, debugData: Uint8Array = NO_BYTES): void {
    const { scheduler } = this.#parts;
    this.announcedLastId = lastStreamId;
    this.#disowns = true;
    scheduler.control.frames(encodeGoAway(lastStreamId, code, debugData));
    scheduler.schedule();
  }

  /** A stream has ended. */
  streamOver(): void {
    // The flush finds out whether this was the last one.
    if (this.#state === "draining") this.#parts.scheduler.schedule();
  }

  /** What was queued has been handed to the channel. */
  flushed(): void {
    if (this.#state === "draining") this.endIfDrained();
  }

  /** Ends the connection for what the peer did. */
  violated(code: ErrorCode, message: string): void {
    this.fail(new Http2Violation(code, message));
  }

  /** Ends the connection for an error: a violation of the peer's, or a fault of our own. */
  fail(error: Error): void {
    if (!(error instanceof Http2Violation)) {
      return this.endNow({ how: "lost", code: ErrorCode.INTERNAL_ERROR, error });
    }
    const { code, message } = error;
    this.endNow({ how: "violated", code, error }, new TextEncoder().encode(message));
  }

  /** Ends the connection now: GOAWAY, and the end of every stream is reported. */
  endNow(end: ConnectionEnd, debugData: Uint8Array = NO_BYTES): void {
    if (this.#end) return;
    this.#end = end;
    const { scheduler, limits, role } = this.#parts;
    if (scheduler.control.length > limits.maxQueuedControlBytes) scheduler.control.clear();
    this.announce(role().lastPeerStreamId, end.code, debugData);
    scheduler.stop();
    this.#endStreams(end);
    this.#endChannel();
  }

  /** Ends an orderly connection once its last stream has ended and everything is sent. */
  endIfDrained(): void {
    const { role, scheduler } = this.#parts;
    if (this.#end || this.#state !== "draining" || role().streamCount > 0) return;
    if (!this.#disowns) {
      if (!this.peerGoAway && !this.#peerEnded) return;
      this.announce(role().lastPeerStreamId, ErrorCode.NO_ERROR);
    }
    // Otherwise the flush that ends idle comes back here.
    if (!scheduler.isIdle) return;
    this.#end = this.#endByPeer(undefined);
    this.#endStreams(this.#end);
    this.#endChannel();
  }

  /** The peer has ended its direction of the channel. */
  channelEnded(): void {
    if (this.#end) return;
    this.#peerEnded = true;
    // What still needs something from the peer is lost; responses under way are finished.
    const { role, streams } = this.#parts;
    const { code } = this.#endByPeer(undefined);
    const cause = this.#causeOf(undefined);
    for (const stream of role().allStreams()) {
      if (stream.state !== "half-closed-remote") streams.lose(stream, code, cause);
    }
    this.drain();
    this.endIfDrained();
    if (!this.#end) this.#probeWhetherGone();
  }

  /** The channel is closed. */
  channelClosed(error: Error | undefined): void {
    const cause = this.#end ? this.#end.error : this.#causeOf(error);
    this.#end ??= this.#endByPeer(error);
    this.#parts.scheduler.abandon();
    this.#endStreams(this.#end, cause);
    this.#parts.deadlines.clearAll();
    this.#parts.released();
    this.#resolveClosed(this.#end);
  }

  /** Ends a connection whose peer does not answer any more. */
  cutOff(error: Error): void {
    this.#end = { how: "lost", code: ErrorCode.NO_ERROR, error };
    this.#parts.scheduler.abandon();
    this.#endStreams(this.#end);
    this.#parts.channel.destroy();
  }

  /** Moves forward only: open, draining, closed. */
  #moveTo(state: "draining" | "closed"): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.#parts.onState?.(state);
  }

  /**
   * A peer that has only ended its direction takes what it is sent. One that is gone resets the
   * channel for the first of it, which the platform reports with the second. It may go at any time.
   */
  #probeWhetherGone(): void {
    const { pings, deadlines, limits } = this.#parts;
    pings.send(() => {});
    deadlines.set("gone", limits.closeGraceMs, () => this.#probeWhetherGone());
  }

  /** How a connection ends that we did not end. */
  #endByPeer(error: Error | undefined): ConnectionEnd {
    const { code, debugData } = this.peerGoAway ?? { code: ErrorCode.NO_ERROR };
    const lost = this.#parts.role().streamCount > 0 || error !== undefined;
    return {
      how: code !== ErrorCode.NO_ERROR ? "accused" : lost ? "lost" : "orderly",
      code,
      ...(debugData && { debugData }),
      ...(error && { error }),
    };
  }

  /** What streams are told that end with a connection which the peer has ended. */
  #causeOf(error: Error | undefined): Error | undefined {
    const { code, debugData } = this.peerGoAway ?? {};
    if (code === undefined || debugData === undefined) return error;
    if (code === ErrorCode.NO_ERROR) return error ?? new PeerLeft();
    return new PeerAccused(code, debugData, error && { cause: error });
  }

  #endStreams(end: ConnectionEnd, cause = end.error): void {
    const { stopReading, role, streams, pings } = this.#parts;
    stopReading();
    this.#moveTo("closed");
    for (const stream of role().allStreams()) streams.lose(stream, end.code, cause);
    pings.lose(end.error);
  }

  /** Ends our direction, and waits a little for the peer to end its own. */
  #endChannel(): void {
    const { deadlines, limits, channel } = this.#parts;
    deadlines.clearAll();
    deadlines.set("close", limits.closeGraceMs, () => channel.destroy());
    channel.end();
  }
}
