import type { AbuseBudgets } from "../guard/abuse_budgets.ts";
import { ErrorCode } from "../error_code.ts";
import { SentFields } from "../fields/sent_fields.ts";
import type { HeaderList } from "../header_list.ts";
import type { Http2Limits } from "../limits.ts";
import type { QueuedBytes } from "../send/queued_bytes.ts";
import type { SendScheduler } from "../send/send_scheduler.ts";
import { Http2Violation } from "../violation.ts";
import { type ClosedHow, ClosedStreams } from "./closed_streams.ts";
import type { Http2Stream, StreamHost } from "./http2_stream.ts";
import type { ReceiveFlow } from "./receive_flow.ts";
import type { StreamEnd } from "./stream.ts";
import { StreamTable } from "./stream_table.ts";
import { asError } from "../../values/mod.ts";

/** What late frames on a stream mean once it has ended like this. */
const CLOSED_AS: Readonly<Record<StreamEnd["how"], ClosedHow>> = {
  "complete": "ended",
  "reset-by-peer": "reset-by-peer",
  "reset-by-us": "reset-by-us",
  "connection-lost": "reset-by-us",
  "not-processed": "reset-by-us",
};

/** What {@linkcode Streams} work with. */
export interface StreamsParts {
  readonly limits: Http2Limits;
  readonly scheduler: SendScheduler;
  readonly queued: QueuedBytes;
  readonly flow: ReceiveFlow;
  readonly abuse: AbuseBudgets;
}

/** What {@linkcode Streams} report to their connection. */
export interface StreamsHost {
  /** A stream has ended. */
  streamOver(stream: Http2Stream): void;
  /** A receiver threw. */
  receiverFault(error: Error): void;
  /** A receiver threw when the end of its stream was reported to it. */
  endNotTaken(error: Error): void;
}

/** The streams of one connection: what they ask of it, and how they end. */
export class Streams implements StreamHost {
  /** Those that have an id and have not ended. */
  readonly table: StreamTable = new StreamTable();
  /** Those that ended recently. */
  readonly closed: ClosedStreams = new ClosedStreams();
  /** Checks the fields that streams send. */
  readonly sentFields: SentFields = new SentFields();
  readonly #parts: StreamsParts;
  readonly #host: StreamsHost;

  constructor(parts: StreamsParts, host: StreamsHost) {
    this.#parts = parts;
    this.#host = host;
  }

  checkResponse(fields: HeaderList): { readonly status: number } {
    return this.sentFields.response(fields);
  }

  checkTrailers(fields: HeaderList): void {
    this.sentFields.trailers(fields);
  }

  headersQueued(stream: Http2Stream): void {
    this.#parts.scheduler.addHeaders(stream);
  }

  dataQueued(stream: Http2Stream, bytes: number): boolean {
    const { queued, scheduler, limits } = this.#parts;
    queued.add(bytes);
    scheduler.addContent(stream);
    if (stream.sending.queue.length <= limits.streamQueueBytes) return true;
    stream.sending.owesWritable = true;
    return false;
  }

  /** DATA of the stream was written. */
  dataSent(stream: Http2Stream, bytes: number): void {
    const { queued, abuse, limits } = this.#parts;
    queued.sent(bytes);
    if (bytes > 0) abuse.dataPassed(bytes);
    if (
      !stream.sending.owesWritable || stream.sending.queue.length * 2 >= limits.streamQueueBytes
    ) return;
    stream.sending.owesWritable = false;
    if (stream.over) return;
    try {
      stream.receiver?.writable?.();
    } catch (error) {
      this.receiverFailed(stream, error);
    }
  }

  flushRequested(): void {
    this.#parts.scheduler.flushIfIdle();
  }

  released(stream: Http2Stream, count: number): void {
    const { flow, scheduler } = this.#parts;
    flow.release(stream, count);
    if (scheduler.control.length > 0) scheduler.schedule();
  }

  takenWhole(stream: Http2Stream): void {
    this.#parts.flow.takeWhole(stream);
  }

  resetRequested(stream: Http2Stream, code: ErrorCode): void {
    if (stream.state === "closed") {
      this.released(stream, stream.receiving.unreleased);
    } else if (stream.id === 0) {
      this.finish(stream, "not-processed", code);
    } else {
      this.reset(stream, code);
    }
  }

  /** Resets a stream that the peer knows. */
  reset(stream: Http2Stream, code: ErrorCode, cause?: Error): void {
    const { scheduler } = this.#parts;
    scheduler.control.rstStream(stream.id, code);
    scheduler.schedule();
    this.finish(stream, "reset-by-us", code, cause);
  }

  /** Resets a stream for what the peer did on it. */
  violated(stream: Http2Stream, code: ErrorCode, message: string): void {
    this.reset(stream, code, new Http2Violation(code, message));
    this.#parts.scheduler.boundControl();
    this.#parts.abuse.streamReset();
  }

  /** Resets a stream that is not open. */
  refuse(streamId: number, code: ErrorCode): void {
    const { scheduler } = this.#parts;
    this.closed.add(streamId, "reset-by-us");
    scheduler.control.rstStream(streamId, code);
    scheduler.boundControl();
  }

  /** DATA or HEADERS arrived on a stream that has ended, RFC 9113 §5.1. */
  contentOnClosed(streamId: number, frame: "DATA" | "HEADERS"): void {
    const how = this.closed.how(streamId);
    if (how === "ended") {
      throw new Http2Violation(ErrorCode.STREAM_CLOSED, `${frame} on a stream that has ended`);
    }
    this.#parts.abuse.overheadFrame();
    // What crossed our RST_STREAM on the way is no fault.
    if (how !== "reset-by-us") this.refuse(streamId, ErrorCode.STREAM_CLOSED);
  }

  /** Ends a stream because its receiver threw. */
  receiverFailed(stream: Http2Stream, error: unknown): void {
    const fault = asError(error);
    this.#host.receiverFault(fault);
    if (!stream.over) this.reset(stream, ErrorCode.INTERNAL_ERROR, fault);
  }

  /** Ends a stream that the connection takes down with it. */
  lose(stream: Http2Stream, code: ErrorCode, cause: Error | undefined): void {
    this.finish(stream, stream.id === 0 ? "not-processed" : "connection-lost", code, cause);
  }

  /** Takes a stream out of the table and reports its end, once. */
  finish(
    stream: Http2Stream,
    how: StreamEnd["how"],
    code: ErrorCode = ErrorCode.NO_ERROR,
    cause?: Error,
    closedAs: ClosedHow = CLOSED_AS[how],
  ): void {
    if (stream.over) return;
    const { queued, scheduler, abuse } = this.#parts;
    stream.over = true;
    stream.close();
    queued.drop(stream.sending.queue.length);
    scheduler.remove(stream);
    if (stream.id !== 0) {
      this.table.delete(stream);
      this.closed.add(stream.id, closedAs);
    }
    if (how === "complete") abuse.streamCompleted();
    else this.released(stream, stream.receiving.unreleased);
    this.#host.streamOver(stream);
    this.reportEnd(stream, cause ? { how, code, cause } : { how, code });
  }

  /** Reports the end of a stream, or keeps it until the stream has a receiver. */
  reportEnd(stream: Http2Stream, end: StreamEnd): void {
    if (!stream.receiver) {
      stream.unreportedEnd = end;
      return;
    }
    try {
      stream.receiver.closed(end);
    } catch (error) {
      this.#host.endNotTaken(asError(error));
    }
  }
}
