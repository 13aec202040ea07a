import type { AbuseBudgets } from "../guard/abuse_budgets.ts";
import { type ClosedHow, ClosedStreams } from "./closed_streams.ts";
import { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";
import type { Http2Stream, StreamHost } from "./http2_stream.ts";
import type { Http2Limits } from "../limits.ts";
import type { QueuedBytes } from "../send/queued_bytes.ts";
import type { ReceiveFlow } from "./receive_flow.ts";
import type { SchedulerHost, SendScheduler } from "../send/send_scheduler.ts";
import { SentFields } from "../fields/sent_fields.ts";
import type { StreamEnd } from "./stream.ts";
import { StreamTable } from "./stream_table.ts";

/** What late frames on a stream mean once it has ended like this. */
const CLOSED_AS: Readonly<Record<StreamEnd["how"], ClosedHow>> = {
  "complete": "ended",
  "reset-by-peer": "reset-by-peer",
  "reset-by-us": "reset-by-us",
  "connection-lost": "reset-by-us",
  "not-processed": "reset-by-us",
};

/** The streams of a connection: what they ask of it, and how they end. */
export abstract class StreamKeeping implements StreamHost, SchedulerHost {
  protected readonly streams: StreamTable = new StreamTable();
  protected readonly closedStreams: ClosedStreams = new ClosedStreams();
  protected readonly sentFields: SentFields = new SentFields();
  protected abstract readonly limits: Http2Limits;
  protected abstract readonly scheduler: SendScheduler;
  protected abstract readonly abuse: AbuseBudgets;
  protected abstract readonly flow: ReceiveFlow;
  protected abstract readonly queued: QueuedBytes;

  abstract streamStarts(stream: Http2Stream): void;
  abstract endSent(stream: Http2Stream): void;
  abstract flushed(): void;
  /** A stream is over. */
  protected abstract streamOver(stream: Http2Stream): void;
  /** A receiver failed when it was told the end of its stream. */
  protected abstract endNotTaken(error: Error): void;

  checkResponse(fields: HeaderList): { readonly status: number } {
    return this.sentFields.response(fields);
  }

  checkTrailers(fields: HeaderList): void {
    this.sentFields.trailers(fields);
  }

  headersQueued(stream: Http2Stream): void {
    this.scheduler.addHeaders(stream);
  }

  dataQueued(stream: Http2Stream, bytes: number): boolean {
    this.queued.add(bytes);
    this.scheduler.addContent(stream);
    if (stream.queue.length <= this.limits.streamQueueBytes) return true;
    stream.owesWritable = true;
    return false;
  }

  dataSent(stream: Http2Stream, bytes: number): void {
    this.queued.sent(bytes);
    if (bytes > 0) this.abuse.dataPassed(bytes);
    if (!stream.owesWritable || stream.queue.length * 2 >= this.limits.streamQueueBytes) return;
    stream.owesWritable = false;
    if (stream.over) return;
    try {
      stream.receiver?.writable?.();
    } catch (error) {
      this.receiverFailed(stream, error);
    }
  }

  released(stream: Http2Stream, count: number): void {
    this.flow.release(stream, count);
    if (this.scheduler.control.length > 0) this.scheduler.schedule();
  }

  resetRequested(stream: Http2Stream, code: ErrorCode): void {
    if (stream.state === "closed") {
      this.released(stream, stream.unreleased);
    } else if (stream.id === 0) {
      this.finish(stream, "not-processed", code);
    } else {
      this.resetStream(stream, code);
    }
  }

  /** Resets a stream that the peer knows. */
  protected resetStream(stream: Http2Stream, code: ErrorCode, cause?: Error): void {
    this.scheduler.control.rstStream(stream.id, code);
    this.scheduler.schedule();
    this.finish(stream, "reset-by-us", code, cause);
  }

  /** Ends a stream because its receiver threw. */
  protected receiverFailed(stream: Http2Stream, error: unknown): void {
    if (stream.over) return;
    this.resetStream(stream, ErrorCode.INTERNAL_ERROR, asError(error));
  }

  /** Forgets a stream and tells its end, once. */
  protected finish(
    stream: Http2Stream,
    how: StreamEnd["how"],
    code: ErrorCode = ErrorCode.NO_ERROR,
    cause?: Error,
    closedAs: ClosedHow = CLOSED_AS[how],
  ): void {
    if (stream.over) return;
    stream.over = true;
    stream.state = "closed";
    this.queued.drop(stream.queue.length);
    this.scheduler.remove(stream);
    if (stream.id !== 0) {
      this.streams.delete(stream);
      this.closedStreams.add(stream.id, closedAs);
    }
    if (how === "complete") this.abuse.streamCompleted();
    else this.released(stream, stream.unreleased);
    this.streamOver(stream);
    this.tellEnd(stream, cause ? { how, code, cause } : { how, code });
  }

  /** Tells the end of a stream, or keeps it until the stream has a receiver. */
  protected tellEnd(stream: Http2Stream, end: StreamEnd): void {
    if (!stream.receiver) {
      stream.untoldEnd = end;
      return;
    }
    try {
      stream.receiver.closed(end);
    } catch (error) {
      this.endNotTaken(asError(error));
    }
  }
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
