import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { ArrivingCall } from "./admission.ts";

/** A call in binary form, as what answers it from its bytes sees it. */
export interface BytesCall<Method extends DescMethod, Peer, Context>
  extends Pick<ArrivingCall<Peer>, "protocol" | "fields" | "peer" | "timeoutMs"> {
  /** The method that is called. */
  readonly method: Method;
  /** What the call was admitted with. */
  readonly context: Context;
  /** When its time is over, on the scale of `performance.now()`. */
  readonly deadline: number | undefined;
  /**
   * Aborts at the deadline, or when the caller cancels or is lost, with a `ConnectError` as its
   * reason. Made when first asked for: who does not look at it pays nothing.
   */
  readonly signal: AbortSignal;
  /**
   * Ends a call with streams with an error at once, also where its caller reads nothing. It counts as running until
   * `ended` settles: when its implementation has ended.
   */
  endNow(error: ConnectError, ended: Promise<unknown>): void;
}

/** A unary call in binary form, as a {@linkcode UnaryBytesHandler} sees it. */
export type UnaryBytesCall<Peer, Context> = BytesCall<DescMethodUnary, Peer, Context>;

/**
 * Answers a unary call with the bytes of its response message, from the bytes of its request message.
 * What it throws is answered as connect-es answers what an implementation throws. A response of 4 KiB and more is
 * given away with its buffer, which nobody else reads.
 */
export type UnaryBytesHandler<Peer, Context> = (
  request: Uint8Array,
  call: UnaryBytesCall<Peer, Context>,
) => Uint8Array | Promise<Uint8Array>;

/** A call with a stream either way in binary form, as a {@linkcode StreamBytesHandler} sees it. */
export type StreamBytesCall<Peer, Context> = BytesCall<DescMethod, Peer, Context>;

/** The request messages of a call, for one reader. */
export interface BytesRequests extends AsyncIterableIterator<Uint8Array> {
  /** The next message where it is there already; nothing where only `next` tells. */
  take(): Uint8Array | undefined;
}

/**
 * Answers a call with the bytes of its response messages, one each time it is asked for one, or sent as
 * they come where it offers that, from the bytes of its request messages. What it throws is answered as connect-es answers what an
 * implementation throws. Once the caller is gone or the deadline has passed, `return()` is called at
 * once, also while a message is being waited for.
 */
export type StreamBytesHandler<Peer, Context> = (
  requests: BytesRequests,
  call: StreamBytesCall<Peer, Context>,
) => BytesAnswers;

/** The response messages of a call: they are asked for one by one, or flow. */
export type BytesAnswers = AsyncIterator<Uint8Array, unknown> | FlowingAnswers;

/** Response messages that are sent as they come. */
export interface FlowingAnswers {
  /** Sends all of them. Resolves after the last. What `sink.send` throws ends the call. */
  flow(sink: AnswerSink): Promise<void>;
  /** Messages are taken again. */
  resume(): void;
  /** Nobody waits for the messages any more. Settles once the implementation has ended. */
  return(): Promise<unknown>;
}

/** Takes the response messages of a call. */
export interface AnswerSink {
  /**
   * Sends one; returns whether the next may follow at once, or only after `resume`. One of 4 KiB and more is given away
   * with its buffer, which nobody else reads.
   */
  send(message: Uint8Array): boolean;
  /** Sends at once what would leave with the end of the turn. */
  flush(): void;
}
