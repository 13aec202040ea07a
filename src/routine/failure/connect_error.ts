import { Code, ConnectError } from "@connectrpc/connect";
import {
  AuthenticationError,
  AuthorizationError,
  DeadlineExceeded,
  escapePeerText,
  InvalidPayload,
  Overloaded,
  RoutineError,
  type SelvageError,
  type SelvageErrorName,
  UnknownRoutine,
  type WorkerRef,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import { FailureSchema } from "../../gen/mod.ts";
import { mostBytesTaken } from "../../rpc/mod.ts";
import type { PayloadForm } from "../payload/payload.ts";
import { readFailure } from "./read_failure.ts";
import { isError, textOf, unlessThrown } from "./thrown.ts";
import { writeFailure } from "./write_failure.ts";

/** The code under which each error travels. */
export const CODES: Readonly<Record<SelvageErrorName, Code>> = {
  HandshakeError: Code.Unavailable,
  NoWorkersAvailable: Code.Unavailable,
  AllWorkersFailed: Code.Unavailable,
  WorkerUnavailable: Code.Unavailable,
  AuthenticationError: Code.Unauthenticated,
  AuthorizationError: Code.PermissionDenied,
  RoutineError: Code.Unknown,
  UnknownRoutine: Code.Unimplemented,
  InvalidPayload: Code.InvalidArgument,
  Overloaded: Code.ResourceExhausted,
  DeadlineExceeded: Code.DeadlineExceeded,
  ConfigurationError: Code.FailedPrecondition,
};

/**
 * Makes the error that Connect sends, or that a caller of `transport` gets, of any error. One of
 * ours keeps its code and travels as a detail; of any other only its being unexpected
 * travels, but that an abort cancelled the call. One that is Connect's already is returned as it is.
 *
 * @param form What the values that travel with it are written in.
 */
export function toConnectError(error: unknown, form?: PayloadForm): ConnectError {
  if (isConnectError(error)) return error;
  const failure = writeFailure(error, form);
  if (failure === undefined) {
    if (isAbort(error)) return ConnectError.from(error);
    return new ConnectError("an unexpected error", Code.Internal, undefined, undefined, error);
  }
  const { name, message } = error as SelvageError;
  // gRPC repeats the message in a header, and escapes what is not ASCII there.
  return new ConnectError(
    escapePeerText(message),
    CODES[name] ?? Code.Unknown,
    undefined,
    [{ desc: FailureSchema, value: failure }],
    error,
  );
}

function isConnectError(error: unknown): error is ConnectError {
  return unlessThrown(() => error instanceof ConnectError, false);
}

function isAbort(error: unknown): boolean {
  return isError(error) && textOf(error, "name") === "AbortError";
}

/** What is known of a call that failed. */
export interface FailedCall {
  /** The routine that was called. */
  readonly routine: string;
  /** The worker that was called. */
  readonly worker: WorkerRef;
  /** The time that the call was given, in milliseconds. Default: 0, none. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Rebuilds the error of ours from the one that Connect received: that of the worker, where its detail says which; else
 * one that fits the code.
 */
export function fromConnectError(error: ConnectError, call: FailedCall): Error {
  return failureInDetails(error) ?? ofCode(error, call);
}

/**
 * Rebuilds the error of ours that a worker sent along; nothing where it sent none that is known here. Only what a worker
 * reported so proves anything about the call, that it had not begun for instance.
 */
export function failureInDetails(error: ConnectError): Error | undefined {
  for (const failure of error.findDetails(FailureSchema)) {
    const reported = readFailure(failure);
    if (reported !== undefined) return reported;
  }
  return undefined;
}

/** A code alone: from a proxy, from Connect itself, or from a newer worker. */
function ofCode(error: ConnectError, { routine, worker, timeoutMs = 0 }: FailedCall): Error {
  const message = escapePeerText(error.rawMessage);
  switch (error.code) {
    case Code.Unauthenticated:
      return new AuthenticationError(message, { reason: "token-invalid", cause: error });
    case Code.PermissionDenied:
      return new AuthorizationError(message, { rule: "unknown" });
    case Code.Unimplemented:
      return new UnknownRoutine(routine);
    case Code.InvalidArgument:
      return new InvalidPayload(message, { cause: error });
    case Code.ResourceExhausted:
      return tooLarge(error) ?? new Overloaded(message, { notBegun: false, cause: error });
    case Code.DeadlineExceeded:
      return new DeadlineExceeded(timeoutMs);
    case Code.Unavailable:
    case Code.Canceled:
    case Code.Aborted:
      return new WorkerUnavailable(message, { worker, notBegun: false, cause: error });
    default:
      return new RoutineError(routine, {
        remoteName: "ConnectError",
        message,
        data: { code: Code[error.code] },
        cause: error,
      });
  }
}

/** It will be too large again, whoever has room for the call. */
function tooLarge(error: ConnectError): InvalidPayload | undefined {
  const mostBytes = mostBytesTaken(error);
  if (mostBytes === undefined) return undefined;
  const message =
    `a message of the call takes more than the ${mostBytes} bytes that its receiver takes ` +
    "(messageBytes among its limits)";
  return new InvalidPayload(message, { cause: error });
}
