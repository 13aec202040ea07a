import type { HeldBytes } from "../guard/byte_budget.ts";
import { ErrorCode } from "../error_code.ts";
import type { Http2Stream } from "./http2_stream.ts";
import { Interleaving } from "./interleaving.ts";
import type { Receiving } from "./receiving.ts";
import type { Http2Limits } from "../limits.ts";
import type { Pings } from "../connection/pings.ts";
import type { SendScheduler } from "../send/send_scheduler.ts";
import { Http2Violation } from "../violation.ts";

/** What a DATA frame that was not released costs beyond its octets. */
const FRAME_OVERHEAD_BYTES = 128;

/** Above this part of `maxUnreadFrames`, the connection's credit waits until frames are released. */
const UNREAD_FRAMES_PART = 1 / 4;

/** Half a window that goes by in so many round trips shows that the peer waits for credit, or soon will. */
const ROUND_TRIPS = 2;

/** What a stream's window beside calls is at least for each millisecond of the shortest round trip: 256 MB/s pass. */
const SHARED_BYTES_PER_MS = 256 * 1024;
/** How often the round trip is measured for that, in milliseconds: what is on the way lengthens it. */
const MEASURED_EVERY_MS = 50;

/**
 * Flow control of what we receive (RFC 9113 §6.9): the connection's window and the streams', the
 * credit that goes back, and what lies unreleased meanwhile.
 *
 * A stream's credit goes back when its bytes are released, so that a reader that pauses stops its own
 * writer. The connection's credit goes back when the bytes arrive, so that a reader that pauses stops
 * nobody else: it holds its own stream's window and no more. Only while memory is short, with half of
 * the process's budget in use and more than half of an equal share of it on this connection, is the
 * connection's credit withheld until the bytes are released. The connection's window is then what
 * bounds it.
 */
export class ReceiveFlow {
  readonly #limits: Http2Limits;
  readonly #sharedWindowBytes: number;
  readonly #scheduler: SendScheduler;
  readonly #budget: HeldBytes;
  readonly #pings: Pings;
  readonly #clock: () => number;
  readonly #interleaving: Interleaving;
  #window: number;
  #owedCredit = 0;
  #measuredAt = -Infinity;
  #unreadFrames = 0;
  /** What counts against the budget. */
  #heldBytes = 0;
  #forgotten = false;

  /** @param sharedWindowBytes the window of a stream between whose frames small messages of others arrive. */
  constructor(
    limits: Http2Limits,
    sharedWindowBytes: number,
    scheduler: SendScheduler,
    budget: HeldBytes,
    pings: Pings,
    clock: () => number,
  ) {
    this.#limits = limits;
    this.#sharedWindowBytes = sharedWindowBytes;
    this.#scheduler = scheduler;
    this.#budget = budget;
    this.#pings = pings;
    this.#clock = clock;
    this.#interleaving = new Interleaving(clock);
    this.#window = limits.connectionWindowBytes;
  }

  /** What the connection holds of received bytes, as the budget counts it. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether bytes may be delivered as views of what was read at once. */
  get mayPin(): boolean {
    return this.#budget.mayPin;
  }

  /**
   * Takes a DATA frame off the connection's window.
   *
   * @throws {Http2Violation} where the peer sends beyond it.
   */
  take(flowBytes: number): void {
    if (flowBytes > this.#window) {
      throw new Http2Violation(ErrorCode.FLOW_CONTROL_ERROR, "DATA beyond the connection's window");
    }
    this.#window -= flowBytes;
  }

  /**
   * Counts what is delivered to a stream.
   *
   * @throws {Http2Violation} where more lies unreleased than may.
   */
  deliver(stream: Http2Stream, bytes: number): void {
    const { receiving } = stream;
    this.#interleaving.delivered(stream.id, bytes);
    receiving.unreleased += bytes;
    receiving.unreleasedFrames++;
    this.#hold(bytes, 1);
    if (this.#hasRoom) this.discard(bytes);
    else receiving.withheld += bytes;
    if (this.#unreadFrames > this.#limits.maxUnreadFrames) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "too many unread DATA frames");
    }
    if (this.#budget.exceeds(this.#heldBytes)) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "more than its share of the memory");
    }
  }

  /** Gives credit on the connection alone, for bytes that no stream gets. */
  discard(flowBytes: number): void {
    this.#owedCredit += flowBytes;
    if (this.#owedCredit * 2 < this.#limits.connectionWindowBytes) return;
    const increment = this.#owedCredit;
    this.#window += increment;
    this.#owedCredit = 0;
    this.#scheduler.control.windowUpdate(0, increment);
    this.#scheduler.sendControl();
  }

  /** Gives credit on a stream for padding, or for bytes that were released. */
  credit(stream: Http2Stream, bytes: number): void {
    if (!stream.peerMaySend) return;
    const { receiving } = stream;
    receiving.owedCredit += bytes;
    const { owedCredit, windowBytes, window, bodyLeft } = receiving;
    // All that is announced fits: more credit is of no use.
    if (bodyLeft >= 0 && bodyLeft <= window) return;
    let growth = this.#growthForBody(receiving);
    if (growth === 0) {
      if (owedCredit * 4 < windowBytes) return;
      // With a small window the peer waits for credit unless it comes early.
      if (owedCredit * 2 < windowBytes && !this.#interleaving.isRecent) return;
      growth = this.#growth(stream);
    }
    const increment = receiving.owedCredit + growth;
    receiving.window += increment;
    receiving.owedCredit = 0;
    if (increment === 0) return;
    this.#scheduler.control.windowUpdate(stream.id, increment);
    this.#scheduler.sendControl();
  }

  /** The receiver takes all of the stream's body as it arrives: the peer may send what is announced of it. */
  takeWhole(stream: Http2Stream): void {
    if (stream.receiving.bodyLeft <= 0) return;
    stream.receiving.isTakenWhole = true;
    this.credit(stream, 0);
  }

  /** The stream is done with `count` octets. */
  release(stream: Http2Stream, count: number): void {
    const { receiving } = stream;
    const released = Math.min(count, receiving.unreleased);
    if (!(released > 0)) return;
    // Which frames the octets came in is not known; the share of them is.
    const frames = released === receiving.unreleased
      ? receiving.unreleasedFrames
      : Math.floor(receiving.unreleasedFrames * released / receiving.unreleased);
    receiving.unreleased -= released;
    receiving.unreleasedFrames -= frames;
    this.#hold(-released, -frames);
    const withheld = Math.min(released, receiving.withheld);
    if (withheld > 0) {
      receiving.withheld -= withheld;
      this.discard(withheld);
    }
    this.credit(stream, released);
  }

  /** The connection is over: nothing counts any more, and what readers release later has been given back. */
  forget(): void {
    this.#budget.add(-this.#heldBytes);
    this.#heldBytes = 0;
    this.#forgotten = true;
  }

  /**
   * What the window grows by for a body whose length is announced and that is being read: what is missing of it at
   * once, for credit that is given in several steps waits until the reads of a turn are over. What that brought is in
   * `docs/performance-changes.md`.
   */
  #growthForBody(receiving: Receiving): number {
    const { bodyLeft, window, owedCredit, windowBytes } = receiving;
    const missing = bodyLeft - window - owedCredit;
    if (missing <= 0 || this.#interleaving.isRecent || !this.#hasRoom) return 0;
    const { maxStreamWindowBytes, connectionWindowBytes } = this.#limits;
    const most = receiving.isTakenWhole ? connectionWindowBytes : maxStreamWindowBytes;
    const growth = Math.max(0, Math.min(missing, most - windowBytes));
    receiving.windowBytes += growth;
    return growth;
  }

  /**
   * What the stream's window grows by: it doubles where half of it went by within two round trips, so
   * that it ends above what passes in four. The round trip is measured while the bytes flow: on an idle
   * connection it is a fraction of what credit takes on a busy one.
   */
  #growth(stream: Http2Stream): number {
    if (this.#interleaving.isRecent) return this.#sharedGrowth(stream);
    const growth = this.#roomToGrow(stream.receiving, Infinity);
    if (growth === 0) return 0;
    const now = this.#clock();
    const elapsedMs = now - stream.receiving.creditedAt;
    stream.receiving.creditedAt = now;
    const roundTripMs = this.#pings.lastMs;
    this.#pings.measure();
    if (roundTripMs === undefined || elapsedMs > ROUND_TRIPS * roundTripMs) return 0;
    stream.receiving.windowBytes += growth;
    return growth;
  }

  /**
   * The same while small messages of other streams pass in between: the window doubles up to what it is at least for
   * them, whatever the round trip is. Below zero where it is larger: then less credit goes back than is owed.
   */
  #sharedGrowth({ receiving }: Http2Stream): number {
    const now = this.#clock();
    if (now - this.#measuredAt >= MEASURED_EVERY_MS) {
      this.#measuredAt = now;
      this.#pings.measure();
    }
    const { shortestMs = Infinity } = this.#pings;
    const most = Math.max(this.#sharedWindowBytes, Math.ceil(shortestMs * SHARED_BYTES_PER_MS));
    const growth = receiving.windowBytes > most
      ? -Math.min(receiving.windowBytes - most, receiving.owedCredit)
      : this.#roomToGrow(receiving, this.#sharedWindowBytes);
    receiving.windowBytes += growth;
    return growth;
  }

  /** How much a window may grow at once: to twice itself, to a limit, and not while memory is short. */
  #roomToGrow({ windowBytes }: Receiving, limit: number): number {
    const room = Math.min(limit, this.#limits.maxStreamWindowBytes) - windowBytes;
    return room > 0 && this.#hasRoom ? Math.min(room, windowBytes) : 0;
  }

  /** Whether what waits is little enough for the connection's credit not to wait with it. */
  get #hasRoom(): boolean {
    return this.#unreadFrames < this.#limits.maxUnreadFrames * UNREAD_FRAMES_PART &&
      this.#budget.hasRoom(this.#heldBytes);
  }

  #hold(bytes: number, frames: number): void {
    if (this.#forgotten) return;
    const held = bytes + frames * FRAME_OVERHEAD_BYTES;
    this.#unreadFrames += frames;
    this.#heldBytes += held;
    this.#budget.add(held);
  }
}
