import { nextTick } from "node:process";
import { setImmediate } from "node:timers";
import type { ByteChannel } from "../byte_channel.ts";
import { ControlQueue } from "./control_queue.ts";
import { ErrorCode } from "../error_code.ts";
import { encodeFrameHeader, Flag, FRAME_HEADER_BYTES, FrameType } from "../frame/frame_header.ts";
import { encodeRstStream, RST_STREAM_BYTES } from "../frame/rst_stream.ts";
import type { HeaderList } from "../header_list.ts";
import { reserveHeaders, SENT_FRAME_BYTES, writeHeaders } from "./header_writer.ts";
import { HpackEncoder } from "../hpack/mod.ts";
import type { Http2Limits } from "../limits.ts";
import type { Http2Stream } from "../streams/http2_stream.ts";
import { Output, OUTPUT_BUFFER_BYTES, WHOLE_WRITE_BYTES } from "./output.ts";
import { StreamList } from "../streams/stream_list.ts";
import { Http2Violation } from "../violation.ts";

/** Octets handed to the channel at once; more would only make a small frame wait behind them. */
const MAX_IN_FLIGHT_BYTES = 2 * OUTPUT_BUFFER_BYTES;

/**
 * How much is gathered before it is sent without waiting for the turn's end: with one write a turn alone, two busy
 * processes take turns instead of working side by side. The HEADERS of 48 calls, or what 16 streams have to send.
 */
const MOST_GATHERED = 48;
const HEADERS_WEIGHT = 1;
const CONTENT_WEIGHT = 3;

/** DATA is cut to fit the buffer, or the write, only where at least this much fits. */
const MIN_CUT_BYTES = 4096;

/** The flow-control window that holds until SETTINGS say otherwise (RFC 9113 §6.9.2). */
export const INITIAL_WINDOW_BYTES = 65_535;

/** The limits that bind a {@linkcode SendScheduler}. */
export type SchedulerLimits = Pick<Http2Limits, "headerTableBytes" | "maxQueuedControlBytes">;

/** What a {@linkcode SendScheduler} reports to its connection. */
export interface SchedulerHost {
  /** The first HEADERS of this stream are about to be written: it gets its id where it has none. */
  streamStarts(stream: Http2Stream): void;
  /** Whether so few streams are open that what they send may leave before the turn ends. */
  readonly isQuiet: boolean;
  /** Runs a flush of HEADERS soon, before the turn ends. */
  deferHeaders(flush: () => void): void;
  /** Whether frames that were read together are being worked on. */
  readonly isReading: boolean;
  /** DATA was written. */
  dataSent(stream: Http2Stream, bytes: number): void;
  /** END_STREAM was written. */
  endSent(stream: Http2Stream): void;
  /** Everything queued was handed to the channel, or nothing more of it may be. */
  flushed(): void;
}

/**
 * Chooses at flush time what is written: control frames, then HEADERS, then DATA round robin, one frame
 * a stream. Header blocks are encoded when they are written, so that none is ever dropped.
 */
export class SendScheduler {
  readonly control: ControlQueue = new ControlQueue();
  readonly encoder: HpackEncoder;
  /** What the connection's window lets us send. */
  window = INITIAL_WINDOW_BYTES;
  readonly #host: SchedulerHost;
  readonly #maxControlBytes: number;
  readonly #output: Output;
  readonly #headers: StreamList<Http2Stream> = new StreamList<Http2Stream>();
  readonly #data: StreamList<Http2Stream> = new StreamList<Http2Stream>();
  /** Streams that have DATA for which the connection's window has no room. */
  readonly #starved: StreamList<Http2Stream> = new StreamList<Http2Stream>();
  readonly #flushNow = () => this.#flushScheduled();
  /** When a flush follows by itself: when what was read is worked on, or later. */
  #scheduled: "no" | "reading" | "later" = "no";
  #gathered = 0;
  #flushing = false;
  #stopped = false;

  constructor(channel: ByteChannel, host: SchedulerHost, limits: SchedulerLimits) {
    this.#host = host;
    this.#maxControlBytes = limits.maxQueuedControlBytes;
    this.encoder = new HpackEncoder(limits.headerTableBytes);
    this.#output = new Output(channel, () => this.#written());
  }

  /** Whether nothing waits to be handed to the channel. */
  get isIdle(): boolean {
    return this.control.length === 0 && this.#headers.length === 0 && this.#data.length === 0 &&
      this.#starved.length === 0;
  }

  /** The stream has HEADERS to send. */
  addHeaders(stream: Http2Stream): void {
    this.#gather(HEADERS_WEIGHT);
    if (stream.list || stream.over) return;
    this.#headers.push(stream);
    this.schedule();
  }

  /** The stream has DATA, trailers or its end to send, which follow its HEADERS. */
  addContent(stream: Http2Stream): void {
    const { sending } = stream;
    if (!sending.headersSent || stream.list) return;
    this.#gather(CONTENT_WEIGHT);
    // What was flushed may have brought the stream to its end.
    if (stream.list || stream.over) return;
    if (sending.queue.length > 0 && sending.window <= 0) return;
    this.#data.push(stream);
    this.schedule();
  }

  /** Forgets what the stream has queued. */
  remove(stream: Http2Stream): void {
    stream.list?.remove(stream);
    stream.sending.clear();
  }

  /** The connection's window has grown. */
  widen(increment: number): void {
    this.window += increment;
    if (this.window <= 0) return;
    for (let stream = this.#starved.first; stream; stream = this.#starved.first) {
      this.#starved.remove(stream);
      this.#data.push(stream);
    }
    if (this.#data.length > 0) this.schedule();
  }

  /**
   * Bounds the control frames that wait.
   *
   * @throws {Http2Violation} where the peer asks for answers and does not read them.
   */
  boundControl(): void {
    if (this.control.length <= this.#maxControlBytes) return;
    this.flush();
    if (this.control.length > this.#maxControlBytes) {
      throw new Http2Violation(ErrorCode.ENHANCE_YOUR_CALM, "answers that the peer does not read");
    }
  }

  /** Flushes at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled !== "no") return;
    const { isQuiet, isReading } = this.#host;
    this.#scheduled = isQuiet && isReading ? "reading" : "later";
    if (!isQuiet) setImmediate(this.#flushNow);
    else if (isReading) return;
    else if (this.#headers.length > 0) this.#host.deferHeaders(this.#flushNow);
    // Items that a stream is given one by one leave together, once the microtasks that give them have run.
    else nextTick(this.#flushNow);
  }

  /** What was read together is worked on: answers to it leave before the platform reads the socket again. */
  readingEnded(): void {
    if (this.#scheduled !== "reading") return;
    this.#scheduled = "later";
    if (this.#headers.length > 0) this.#flushScheduled();
    else nextTick(this.#flushNow);
  }

  /** Hands over what may be handed over now. */
  flush(): void {
    if (this.#stopped || this.#flushing) return;
    this.#flushing = true;
    this.#gathered = 0;
    while (this.#output.inFlight < MAX_IN_FLIGHT_BYTES && !this.#stopped) {
      this.control.moveTo(this.#output);
      if (this.#fillHeaders()) this.#fillData();
      if (!this.#output.send()) break;
    }
    this.#flushing = false;
    this.#host.flushed();
  }

  /**
   * Hands over now what else would wait for the turn's end, where the channel has nothing to write: the peer works
   * on it while this turn goes on.
   */
  flushIfIdle(): void {
    if (this.#output.inFlight === 0) this.flush();
  }

  /**
   * Hands over the control frames that wait, and nothing else, so that nothing is called back. Credit
   * leaves like this: many reads may follow in one turn, and with the turn's end the peer would stand
   * still meanwhile, all of its window on the way.
   */
  sendControl(): void {
    if (this.#stopped || this.#flushing || this.#output.inFlight >= MAX_IN_FLIGHT_BYTES) {
      return this.schedule();
    }
    this.control.moveTo(this.#output);
    this.#output.send();
  }

  /** Hands over the control frames that wait, whatever is in flight, and nothing after them. */
  stop(): void {
    if (this.#stopped) return;
    this.control.moveTo(this.#output);
    this.#output.send();
    this.#stopped = true;
  }

  /** Hands over nothing any more. */
  abandon(): void {
    this.#stopped = true;
  }

  /** Where the channel is still busy, its `written` flushes soon enough, and more at once. */
  #gather(weight: number): void {
    if (this.#gathered >= MOST_GATHERED && this.#output.inFlight === 0) this.flush();
    this.#gathered += weight;
  }

  #flushScheduled(): void {
    this.#scheduled = "no";
    this.flush();
  }

  #written(): void {
    if (!this.#stopped && this.#scheduled === "no" && !this.isIdle) this.flush();
  }

  /** Writes HEADERS, and returns whether all of them found room. */
  #fillHeaders(): boolean {
    for (let stream = this.#headers.first; stream; stream = this.#headers.first) {
      const { sending } = stream;
      const sections = sending.headers!;
      const fields = sections[0]!;
      if (!reserveHeaders(this.#output, fields)) return false;
      // Only now, because an id that was given is an id that the peer gets to know.
      if (!sending.headersSent) this.#host.streamStarts(stream);
      const last = sections.length === 1;
      const endsStream = last && sending.endQueued && sending.queue.length === 0 &&
        !sending.trailers;
      writeHeaders(this.#output, this.encoder, stream.id, fields, endsStream);
      if (!last) {
        sections.shift();
        continue;
      }
      this.#headers.remove(stream);
      this.#headersWritten(stream, fields, endsStream);
    }
    return true;
  }

  #headersWritten(stream: Http2Stream, fields: HeaderList, endsStream: boolean): void {
    const { sending } = stream;
    sending.headers = undefined;
    if (isInformational(fields)) return;
    sending.headersSent = true;
    if (endsStream) this.#ended(stream);
    else if (stream.hasContent && (sending.queue.length === 0 || sending.window > 0)) {
      this.#data.push(stream);
    }
  }

  #fillData(): void {
    for (let stream = this.#data.first; stream; stream = this.#data.first) {
      const { sending } = stream;
      const queued = sending.queue.length;
      if (queued > 0 && this.window <= 0) {
        this.#data.remove(stream);
        this.#starved.push(stream);
      } else if (queued > 0 && sending.window <= 0) {
        this.#data.remove(stream);
      } else if (queued === 0 && sending.trailers) {
        if (!this.#writeTrailers(stream)) return;
      } else if (!this.#writeData(stream)) return;
    }
  }

  /** Writes one DATA frame; returns `false` where the buffer is too full. */
  #writeData(stream: Http2Stream): boolean {
    const output = this.#output;
    const { sending } = stream;
    const { queue } = sending;
    let length = Math.min(queue.length, sending.window, this.window, SENT_FRAME_BYTES);
    if (length < 0) length = 0;
    const needs = FRAME_HEADER_BYTES + length + FRAME_HEADER_BYTES + RST_STREAM_BYTES;
    if (output.room < needs || output.gathered + FRAME_HEADER_BYTES + length > WHOLE_WRITE_BYTES) {
      if (output.gathered === 0) output.reserve(Math.min(needs, OUTPUT_BUFFER_BYTES));
      const fits = Math.min(
        output.room - (needs - length),
        WHOLE_WRITE_BYTES - output.gathered - FRAME_HEADER_BYTES,
      );
      if (fits < length) {
        if (fits < MIN_CUT_BYTES) return false;
        length = fits;
      }
    }
    const ends = sending.endQueued && length === queue.length && !sending.trailers;
    const flags = ends ? Flag.END_STREAM : Flag.NONE;
    const at = encodeFrameHeader(
      output.bytes,
      output.at,
      length,
      FrameType.DATA,
      flags,
      stream.id,
    );
    queue.take(length, output.bytes, at);
    output.at = at + length;
    sending.window -= length;
    this.window -= length;
    if (!ends && queue.length === 0 && !sending.trailers) this.#data.remove(stream);
    else this.#data.rotate(stream);
    if (ends) this.#ended(stream);
    this.#host.dataSent(stream, length);
    return true;
  }

  #writeTrailers(stream: Http2Stream): boolean {
    const fields = stream.sending.trailers!;
    if (!reserveHeaders(this.#output, fields)) return false;
    writeHeaders(this.#output, this.encoder, stream.id, fields, true);
    stream.sending.trailers = undefined;
    this.#ended(stream);
    return true;
  }

  #ended(stream: Http2Stream): void {
    stream.list?.remove(stream);
    this.#host.endSent(stream);
  }

  /** Writes RST_STREAM(NO_ERROR) right behind END_STREAM: an answer that needs no more of the request. */
  resetAfterEnd(streamId: number): void {
    const output = this.#output;
    output.reserve(FRAME_HEADER_BYTES + RST_STREAM_BYTES);
    output.at = encodeRstStream(output.bytes, output.at, streamId, ErrorCode.NO_ERROR);
  }
}

function isInformational(fields: HeaderList): boolean {
  return fields[0] === ":status" && fields[1]!.charCodeAt(0) === 0x31;
}
