import { AbuseBudgets } from "../guard/abuse_budgets.ts";
import { type ByteBudget, processByteBudget } from "../guard/byte_budget.ts";
import type { ByteChannel } from "../byte_channel.ts";
import type { ConnectionEnd, ConnectionOptions, ConnectionState } from "./connection.ts";
import { Deadlines, scheduleOnTimer } from "../deadlines.ts";
import { ErrorCode } from "../error_code.ts";
import { encodeGoAway } from "../frame/go_away.ts";
import { encodeSettings, Setting } from "../frame/settings.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import { type Http2Limits, resolveHttp2Limits } from "../limits.ts";
import { Keepalive } from "./keepalive.ts";
import { Pings } from "./pings.ts";
import { QueuedBytes } from "../send/queued_bytes.ts";
import { ReceiveFlow } from "../streams/receive_flow.ts";
import { INITIAL_WINDOW_BYTES, SendScheduler } from "../send/send_scheduler.ts";
import { asError, StreamKeeping } from "../streams/stream_keeping.ts";
import { Http2Violation } from "../violation.ts";

/** The last id of a GOAWAY that disowns no stream yet (RFC 9113 §6.8). */
export const NO_STREAM_DISOWNED = 0x7fff_ffff;

const EMPTY = new Uint8Array(0);

/**
 * A connection from its first byte to its last: the channel, the deadlines, the streams that are under
 * way, and how they and the connection end. What frames mean is told in `ControlFrames` and `MessageFrames`.
 */
export abstract class ConnectionCore extends StreamKeeping {
  readonly closed: Promise<ConnectionEnd>;
  protected override readonly limits: Http2Limits;
  protected readonly options: ConnectionOptions;
  protected override readonly scheduler: SendScheduler;
  protected readonly deadlines: Deadlines;
  protected override readonly abuse: AbuseBudgets;
  protected override readonly flow: ReceiveFlow;
  protected readonly pings: Pings;
  protected override readonly queued: QueuedBytes;
  protected readonly keepalive: Keepalive;
  /** The code and the debug data of the peer's GOAWAY. */
  protected peerGoAway: { readonly code: ErrorCode; readonly debugData: Uint8Array } | undefined;
  /** The last id of our latest GOAWAY. */
  protected announcedLastId: number | undefined;

  readonly #channel: ByteChannel;
  readonly #budget: ByteBudget;
  #state: ConnectionState = "open";
  #peerEnded = false;
  /** How the connection ends, from when on nothing more is read or sent. */
  #end: ConnectionEnd | undefined;
  #resolveClosed!: (end: ConnectionEnd) => void;

  constructor(channel: ByteChannel, options: ConnectionOptions) {
    super();
    this.#channel = channel;
    this.options = options;
    this.limits = resolveHttp2Limits(options.limits);
    const clock = options.clock ?? (() => performance.now());
    this.#budget = options.budget ?? processByteBudget;
    this.#budget.join();
    this.deadlines = new Deadlines(clock, options.schedule ?? scheduleOnTimer);
    this.abuse = new AbuseBudgets(this.limits, clock, options.resets);
    this.scheduler = new SendScheduler(channel, this, this.limits.headerTableBytes);
    this.pings = new Pings(this.scheduler, clock);
    const { control } = this.scheduler;
    this.flow = new ReceiveFlow(this.limits, control, this.#budget, this.pings, clock);
    this.queued = new QueuedBytes(this.limits, this.deadlines, this.#budget, {
      received: () => this.flow.heldBytes,
      exceeded: (message) => this.violated(ErrorCode.ENHANCE_YOUR_CALM, message),
    });
    this.keepalive = new Keepalive(this.limits, this.deadlines, this.pings, clock, (error) => {
      this.#cutOff(error);
    });
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  abstract get streamCount(): number;
  /** The highest id of the peer's streams that was or might be acted upon. */
  protected abstract get lastPeerStreamId(): number;
  /** Announces that the connection ends once its streams have. */
  protected abstract beginShutdown(): void;
  /** All streams, those without an id too. */
  protected abstract allStreams(): Http2Stream[];
  /** Reads what arrived, and returns whether a frame was complete with it; throws what ends the connection. */
  protected abstract read(bytes: Uint8Array): boolean;
  /** Reads nothing any more. */
  protected abstract stopReading(): void;

  get state(): ConnectionState {
    return this.#state;
  }

  ping(): Promise<number> {
    if (this.#end) return Promise.reject(new Error("the connection is over"));
    return new Promise((answered, lost) => {
      this.pings.send(answered, lost);
    });
  }

  shutdown(): Promise<ConnectionEnd> {
    if (!this.#end && this.announcedLastId === undefined) {
      this.beginShutdown();
      this.moveTo("draining");
      this.endIfDrained();
    }
    return this.closed;
  }

  abort(code: ErrorCode, debugData: Uint8Array = EMPTY): void {
    this.endNow({ how: this.streamCount > 0 ? "lost" : "orderly", code }, debugData);
  }

  override flushed(): void {
    if (this.#state === "draining") this.endIfDrained();
  }

  /** Sends our preface and begins to read. */
  protected begin(preface: Uint8Array, settings: readonly (readonly [number, number])[]): void {
    const { limits, scheduler } = this;
    scheduler.control.frames(preface);
    scheduler.control.frames(encodeSettings([
      ...settings,
      [Setting.HEADER_TABLE_SIZE, limits.headerTableBytes],
      [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, limits.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
    ]));
    const widening = limits.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (widening > 0) scheduler.control.windowUpdate(0, widening);
    this.deadlines.set("preface", limits.prefaceTimeoutMs, () => {
      this.violated(ErrorCode.SETTINGS_TIMEOUT, "no preface and SETTINGS in time");
    });
    this.deadlines.set("settings-ack", limits.settingsAckTimeoutMs, () => {
      this.violated(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged in time");
    });
    this.keepalive.start();
    this.#channel.start({
      received: (bytes) => this.#received(bytes),
      ended: () => this.#channelEnded(),
      closed: (error) => this.#channelClosed(error),
    });
    scheduler.flush();
  }

  /** Moves forward only: open, draining, closed. */
  protected moveTo(state: "draining" | "closed"): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.options.onState?.(state);
  }

  /**
   * Queues a GOAWAY. Its last id never rises (RFC 9113 §6.8), because streams above an announced one are
   * not acted upon.
   */
  protected announce(lastStreamId: number, code: ErrorCode, debugData: Uint8Array = EMPTY): void {
    this.announcedLastId = lastStreamId;
    this.scheduler.control.frames(encodeGoAway(lastStreamId, code, debugData));
    this.scheduler.schedule();
  }

  protected override endNotTaken(error: Error): void {
    // Nobody is left to tell on the stream; the connection's end is where this becomes known.
    queueMicrotask(() => this.endNow({ how: "lost", code: ErrorCode.INTERNAL_ERROR, error }));
  }

  protected override streamOver(_stream: Http2Stream): void {
    // The flush finds out whether this was the last one.
    if (this.#state === "draining") this.scheduler.schedule();
  }

  /** Ends the connection for what the peer did. */
  protected violated(code: ErrorCode, message: string): void {
    this.#endForViolation(new Http2Violation(code, message));
  }

  /** Ends the connection now: GOAWAY, and every stream is told. */
  protected endNow(end: ConnectionEnd, debugData: Uint8Array = EMPTY): void {
    if (this.#end) return;
    this.#end = end;
    const { control } = this.scheduler;
    if (control.length > this.limits.maxQueuedControlBytes) control.clear();
    this.announce(this.lastPeerStreamId, end.code, debugData);
    this.scheduler.stop();
    this.#endStreams(end);
    this.#endChannel();
  }

  /** Ends an orderly connection once its last stream is over and all is sent. */
  protected endIfDrained(): void {
    if (this.#end || this.#state !== "draining" || this.streamCount > 0) return;
    const announced = this.announcedLastId;
    const final = announced !== undefined && announced !== NO_STREAM_DISOWNED;
    if (!final) {
      if (!this.peerGoAway && !this.#peerEnded) return;
      this.announce(this.lastPeerStreamId, ErrorCode.NO_ERROR);
    }
    // Otherwise the flush that ends idle comes back here.
    if (!this.scheduler.isIdle) return;
    this.#end = this.#endByPeer(undefined);
    this.#endStreams(this.#end);
    this.#endChannel();
  }

  #received(bytes: Uint8Array): void {
    if (this.#end) return;
    try {
      if (this.read(bytes)) this.keepalive.heard();
    } catch (error) {
      if (error instanceof Http2Violation) this.#endForViolation(error);
      else this.endNow({ how: "lost", code: ErrorCode.INTERNAL_ERROR, error: asError(error) });
    }
    if (this.scheduler.control.length > 0) this.scheduler.schedule();
  }

  #channelEnded(): void {
    if (this.#end) return;
    this.#peerEnded = true;
    // What still needs something from the peer is lost; answers that are under way are finished.
    for (const stream of this.allStreams()) {
      if (stream.state !== "half-closed-remote") this.#lose(stream, this.#endByPeer(undefined));
    }
    this.moveTo("draining");
    this.endIfDrained();
    if (!this.#end) this.#findOutWhetherGone();
  }

  /**
   * A peer that has only ended its direction takes what it is sent. One that is gone resets the
   * channel for the first of it, which the platform tells us with the second.
   */
  #findOutWhetherGone(): void {
    this.pings.send(() => {});
    this.deadlines.set("gone", this.limits.closeGraceMs, () => this.pings.send(() => {}));
  }

  #channelClosed(error: Error | undefined): void {
    this.#end ??= this.#endByPeer(error);
    this.scheduler.abandon();
    this.#endStreams(this.#end);
    this.deadlines.clearAll();
    this.flow.forget();
    this.#budget.leave();
    this.#resolveClosed(this.#end);
  }

  /** How a connection ends that we did not end. */
  #endByPeer(error: Error | undefined): ConnectionEnd {
    const { code, debugData } = this.peerGoAway ?? { code: ErrorCode.NO_ERROR };
    const lost = this.streamCount > 0 || error !== undefined;
    return {
      how: code !== ErrorCode.NO_ERROR ? "accused" : lost ? "lost" : "orderly",
      code,
      ...(debugData && { debugData }),
      ...(error && { error }),
    };
  }

  #endForViolation(violation: Http2Violation): void {
    const { code, message } = violation;
    this.endNow({ how: "violated", code, error: violation }, new TextEncoder().encode(message));
  }

  #endStreams(end: ConnectionEnd): void {
    this.stopReading();
    this.moveTo("closed");
    for (const stream of this.allStreams()) this.#lose(stream, end);
    this.pings.lose(end.error ?? new Error("the connection is over"));
  }

  #lose(stream: Http2Stream, end: ConnectionEnd): void {
    const how = stream.id === 0 ? "not-processed" : "connection-lost";
    this.finish(stream, how, end.code, end.error);
  }

  /** Ends a connection whose peer is not there any more. */
  #cutOff(error: Error): void {
    this.#end = { how: "lost", code: ErrorCode.NO_ERROR, error };
    this.scheduler.abandon();
    this.#endStreams(this.#end);
    this.#channel.destroy();
  }

  /** Ends our direction, and waits a little for the peer to end its own. */
  #endChannel(): void {
    this.deadlines.clearAll();
    this.deadlines.set("close", this.limits.closeGraceMs, () => this.#channel.destroy());
    this.#channel.end();
  }
}
