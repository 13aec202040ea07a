import { Code, ConnectError } from "@connectrpc/connect";
import {
  ErrorCode,
  HeaderListTooLarge,
  KeepaliveTimeout,
  PeerAccused,
  PeerLeft,
  type StreamEnd,
} from "../../http2/mod.ts";
import { timedOut } from "./call_errors.ts";

/** How a call's stream ended before its response was complete: the `cause` of the `ConnectError` thrown for it. */
export class StreamFailure extends Error {
  /** Always `StreamFailure`. */
  override readonly name = "StreamFailure";
  /** How the stream ended. */
  readonly end: StreamEnd;

  /** An error that reports `end`. */
  constructor(end: StreamEnd) {
    super(`the stream ended as ${end.how} with code ${end.code}`, {
      cause: end.cause,
    });
    this.end = end;
  }
}

/** Whether a call that failed with `error` is known not to have begun at the peer, so that another may be asked. */
export function notBegun(error: unknown): boolean {
  return failureOf(error)?.end.how === "not-processed";
}

/** Why a call was not sent whose header fields the peer does not accept. */
export function headersTooLarge(error: unknown): HeaderListTooLarge | undefined {
  const cause = failureOf(error)?.end.cause;
  return cause instanceof HeaderListTooLarge ? cause : undefined;
}

/** Whether a call failed with `error` because its connection was lost; it may have begun. */
export function connectionLost(error: unknown): boolean {
  return failureOf(error)?.end.how === "connection-lost";
}

/** Whether that connection was lost because the peer no longer answered a PING. */
export function peerSilent(error: unknown): boolean {
  return failureOf(error)?.end.cause instanceof KeepaliveTimeout;
}

/** Whether the peer ended that connection after it had announced to leave it. */
export function peerLeft(error: unknown): boolean {
  return failureOf(error)?.end.cause instanceof PeerLeft;
}

/** The peer's reason, where it ended that connection with one. */
export function peerAccused(error: unknown): PeerAccused | undefined {
  const cause = failureOf(error)?.end.cause;
  return cause instanceof PeerAccused ? cause : undefined;
}

/** Whether we ended that connection, because the peer is not trusted any more. */
export function distrustedByUs(error: unknown): boolean {
  const end = failureOf(error)?.end;
  return end?.how === "connection-lost" && end.code === ErrorCode.INADEQUATE_SECURITY &&
    end.cause === undefined;
}

/**
 * Whether a call failed with `error` because its stream was reset in the midst of it: by us, for what
 * the peer sent, or by the peer, for a reason of its own. It may have begun.
 */
export function brokenOff(error: unknown): boolean {
  return failureOf(error) !== undefined && (error as ConnectError).code === Code.Internal;
}

/**
 * The error of a call whose stream ended before its response was complete.
 *
 * @param deadline when the call's time is over, on the scale of `performance.now()`. Default: never.
 */
export function errorOfStreamEnd(end: StreamEnd, deadline = Infinity): ConnectError {
  // A peer that keeps the same deadline may cancel the stream before our own timer has run.
  if (end.code === ErrorCode.CANCEL && performance.now() >= deadline) return timedOut();
  const [code, message] = describe(end);
  return new ConnectError(message, code, undefined, undefined, new StreamFailure(end));
}

/** Why an implementation's signal aborts when the stream of its call is over before its response was sent. */
export function reasonOfCallerGone(end: StreamEnd): ConnectError {
  const message = end.how === "connection-lost"
    ? "the connection to the caller was lost"
    : "the caller cancelled the call";
  return new ConnectError(message, Code.Canceled, undefined, undefined, new StreamFailure(end));
}

function failureOf(error: unknown): StreamFailure | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return error.cause instanceof StreamFailure ? error.cause : undefined;
}

function describe(end: StreamEnd): [Code, string] {
  switch (end.how) {
    case "not-processed":
      return [Code.Unavailable, "the call was not begun by the peer"];
    case "connection-lost":
      return [Code.Unavailable, "the connection was lost during the call"];
    case "complete":
      return [Code.Internal, "the response ended early"];
    case "reset-by-us": {
      // The code is the one that we sent, and says nothing about what the peer asks for.
      const why = end.cause?.message ?? `HTTP/2 error code ${end.code}`;
      return [Code.Internal, `the stream was reset for what the peer sent: ${why}`];
    }
    case "reset-by-peer":
      return describeReset(end.code);
  }
}

/** As gRPC maps them, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors. */
function describeReset(code: ErrorCode): [Code, string] {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return [Code.Unavailable, "the stream was refused"];
    case ErrorCode.CANCEL:
      return [Code.Canceled, "the stream was cancelled"];
    case ErrorCode.ENHANCE_YOUR_CALM:
      return [Code.ResourceExhausted, "the peer asked for calm"];
    case ErrorCode.INADEQUATE_SECURITY:
      return [Code.PermissionDenied, "the peer finds the connection's security inadequate"];
    default:
      return [Code.Internal, `the stream was reset with HTTP/2 error code ${code}`];
  }
}
