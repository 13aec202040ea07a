import type { ByteChannel } from "../byte_channel.ts";
import { Deadlines, scheduleOnTimer } from "../deadlines.ts";
import { ErrorCode } from "../error_code.ts";
import { FrameReader } from "../frame/frame_reader.ts";
import { encodeSettings, Setting } from "../frame/settings.ts";
import { AbuseBudgets } from "../guard/abuse_budgets.ts";
import { type HeldBytes, processByteBudget } from "../guard/byte_budget.ts";
import { HpackDecoder } from "../hpack/mod.ts";
import { type Http2Limits, resolveHttp2Limits } from "../limits.ts";
import { QueuedBytes } from "../send/queued_bytes.ts";
import { INITIAL_WINDOW_BYTES, type SchedulerHost, SendScheduler } from "../send/send_scheduler.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import { ReceiveFlow } from "../streams/receive_flow.ts";
import { Streams, type StreamsHost } from "../streams/streams.ts";
import { Http2Violation } from "../violation.ts";
import type {
  Connection,
  ConnectionEnd,
  ConnectionOptions,
  ConnectionState,
} from "./connection.ts";
import { Keepalive } from "./keepalive.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { ConnectionParts } from "./parts.ts";
import { Pings } from "./pings.ts";
import { ReadingParts } from "./reading_parts.ts";
import type { BlockNote } from "./received_block.ts";
import { ReceivedFrames } from "./received_frames.ts";
import type { Greeting, Role } from "./role.ts";
import { Settings } from "./settings.ts";
import { asError, readingTime, readTogether } from "../../values/mod.ts";

/** Of more streams what one sends waits for the others: a write costs as much as ten calls. */
const QUIET_STREAMS = 8;

/**
 * A connection of either end: makes its parts, joins them, and passes on what the channel and the
 * send scheduler report. What its frames mean is in `ReceivedFrames`, how it ends in `Lifecycle`.
 * Its program holds it as a {@linkcode Connection}.
 */
export class Http2Connection<End extends Role>
  implements Connection, ConnectionParts, SchedulerHost, StreamsHost {
  readonly limits: Http2Limits;
  readonly deadlines: Deadlines;
  readonly abuse: AbuseBudgets;
  readonly scheduler: SendScheduler;
  readonly pings: Pings;
  readonly flow: ReceiveFlow;
  readonly queued: QueuedBytes;
  readonly streams: Streams;
  readonly settings: Settings;
  readonly lifecycle: Lifecycle;
  /** What this end does otherwise than the other. */
  readonly role: End;
  isReading = false;
  readonly #reader: FrameReader;
  readonly #parts: ReadingParts;
  readonly #keepalive: Keepalive;
  readonly #onFault: ConnectionOptions["onFault"];

  /**
   * Starts a connection: the greeting goes out at once.
   *
   * @param makeRole makes the role from the parts, before anything is sent or read.
   */
  constructor(
    channel: ByteChannel,
    options: ConnectionOptions,
    greeting: Greeting,
    makeRole: (parts: ConnectionParts) => End,
  ) {
    const limits = resolveHttp2Limits(options.limits);
    const clock = options.clock ?? (() => performance.now());
    const budget = options.budget ?? processByteBudget;
    const decoder = new HpackDecoder<BlockNote>(limits.maxHeaderListBytes);
    budget.join();
    this.limits = limits;
    this.#onFault = options.onFault;
    this.deadlines = new Deadlines(clock, options.schedule ?? scheduleOnTimer);
    this.abuse = new AbuseBudgets(limits, clock, options.resets);
    this.scheduler = new SendScheduler(channel, this, limits);
    this.pings = new Pings(this.scheduler, clock);
    const { sharedWindowBytes } = greeting;
    this.flow = new ReceiveFlow(
      limits,
      sharedWindowBytes,
      this.scheduler,
      budget,
      this.pings,
      clock,
    );
    this.queued = this.#queuedBytes(budget);
    this.streams = new Streams(this, this);
    this.settings = new Settings({
      ...this.#shared(),
      decoder,
      peerMayEnablePush: greeting.peerMayEnablePush,
    });
    this.lifecycle = new Lifecycle({
      ...this.#shared(),
      channel,
      onState: options.onState,
      role: () => this.role,
      stopReading: () => this.#stopReading(),
      released: () => this.#released(budget),
    });
    // What is read together was heard at the same time.
    const heard = options.clock ?? readingTime;
    this.#keepalive = new Keepalive(limits, this.deadlines, this.pings, heard, (error) => {
      this.lifecycle.cutOff(error);
    });
    this.role = makeRole(this);
    const frames = new ReceivedFrames(this, this.role, decoder, options.onGoAway);
    this.#reader = new FrameReader(frames, limits, greeting.peerPreface);
    this.#parts = new ReadingParts(this.#reader, budget, (read) => this.#reading(read));
    this.#start(channel, greeting);
  }

  get state(): ConnectionState {
    return this.lifecycle.state;
  }

  get streamCount(): number {
    return this.role.streamCount;
  }

  get closed(): Promise<ConnectionEnd> {
    return this.lifecycle.closed;
  }

  ping(): Promise<number> {
    if (this.lifecycle.ending) return Promise.reject(new Error("the connection has ended"));
    return new Promise((answered, lost) => this.pings.send(answered, lost));
  }

  shutdown(): Promise<ConnectionEnd> {
    return this.lifecycle.shutdown();
  }

  abort(code: ErrorCode, debugData?: Uint8Array): void {
    this.lifecycle.abort(code, debugData);
  }

  deferHeaders(flush: () => void): void {
    this.role.deferHeaders(flush);
  }

  streamStarts(stream: Http2Stream): void {
    this.role.streamStarts(stream);
  }

  dataSent(stream: Http2Stream, bytes: number): void {
    this.streams.dataSent(stream, bytes);
  }

  endSent(stream: Http2Stream): void {
    this.role.endSent(stream);
  }

  flushed(): void {
    this.lifecycle.flushed();
  }

  streamOver(stream: Http2Stream): void {
    this.lifecycle.streamOver();
    this.role.streamOver(stream);
  }

  receiverFault(error: Error): void {
    this.#onFault?.(error);
  }

  endNotTaken(error: Error): void {
    this.#onFault?.(error);
    // Nobody is left to report to on the stream; the connection's end is where this becomes known.
    queueMicrotask(() => this.lifecycle.fail(error));
  }

  #shared() {
    const { limits, scheduler, deadlines, pings, streams, abuse } = this;
    return { limits, scheduler, deadlines, pings, streams, abuse };
  }

  #queuedBytes(budget: HeldBytes): QueuedBytes {
    return new QueuedBytes(this.limits, this.deadlines, budget, {
      received: () => this.flow.heldBytes,
      exceeded: (message) => this.lifecycle.violated(ErrorCode.ENHANCE_YOUR_CALM, message),
    });
  }

  /** Sends our greeting and begins to read. */
  #start(channel: ByteChannel, greeting: Greeting): void {
    const { limits, scheduler, deadlines, lifecycle } = this;
    scheduler.control.frames(greeting.preface);
    scheduler.control.frames(encodeSettings([
      ...greeting.settings,
      [Setting.HEADER_TABLE_SIZE, limits.headerTableBytes],
      [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, limits.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
    ]));
    const widening = limits.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (widening > 0) scheduler.control.windowUpdate(0, widening);
    deadlines.set("preface", limits.prefaceTimeoutMs, () => {
      lifecycle.violated(ErrorCode.SETTINGS_TIMEOUT, "no preface and SETTINGS in time");
    });
    deadlines.set("settings-ack", limits.settingsAckTimeoutMs, () => {
      lifecycle.violated(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged in time");
    });
    this.#keepalive.start();
    channel.start({
      received: (bytes) => this.#received(bytes),
      ended: () => this.#ended(() => lifecycle.channelEnded()),
      closed: (error) => this.#ended(() => lifecycle.channelClosed(error)),
    });
    scheduler.flush();
  }

  /** Returns whether the bytes are not in use any more. */
  #received(bytes: Uint8Array): boolean {
    if (this.lifecycle.ending) return true;
    let isInUse = true;
    this.#reading(() => isInUse = this.#parts.read(bytes));
    return !isInUse;
  }

  /** What arrived before the end is read before it. */
  #ended(report: () => void): void {
    this.#reading(() => this.#parts.finish());
    report();
  }

  #reading(read: () => void): void {
    if (this.lifecycle.ending) return;
    const before = this.#reader.frames;
    this.isReading = true;
    try {
      readTogether(() => {
        read();
        this.#watchReading(before);
      });
    } catch (error) {
      const cause = asError(error);
      if (!(cause instanceof Http2Violation)) this.#onFault?.(cause);
      this.lifecycle.fail(cause);
    }
    if (this.scheduler.control.length > 0) this.scheduler.schedule();
    this.isReading = false;
    this.scheduler.readingEnded();
  }

  get isQuiet(): boolean {
    return this.streams.table.size <= QUIET_STREAMS && this.settings.received;
  }

  #watchReading(framesBefore: number): void {
    if (this.#reader.started) this.deadlines.clear("preface");
    if (!this.#reader.insideHeaders) this.deadlines.clear("headers");
    else if (!this.deadlines.has("headers")) {
      this.deadlines.set("headers", this.limits.headerTimeoutMs, () => {
        const message = "a header block did not end in time";
        this.lifecycle.violated(ErrorCode.ENHANCE_YOUR_CALM, message);
      });
    }
    if (this.#reader.frames !== framesBefore) this.#keepalive.heard();
  }

  #stopReading(): void {
    this.#reader.stop();
    this.#parts.drop();
    this.deadlines.clear("headers");
  }

  #released(budget: HeldBytes): void {
    this.flow.forget();
    budget.leave();
  }
}
