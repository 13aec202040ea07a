import { SelvageError, type SelvageErrorName } from "../errors/mod.ts";
import type { CallOutcome } from "./metrics.ts";

const OUTCOMES: Readonly<Record<SelvageErrorName, CallOutcome>> = {
  HandshakeError: "handshake",
  NoWorkersAvailable: "unavailable",
  AllWorkersFailed: "unavailable",
  WorkerUnavailable: "unavailable",
  AuthenticationError: "unauthenticated",
  AuthorizationError: "denied",
  RoutineError: "routine-error",
  UnknownRoutine: "unknown-routine",
  InvalidPayload: "invalid-payload",
  Overloaded: "overloaded",
  DeadlineExceeded: "deadline",
  ConfigurationError: "internal",
};

/** How a call that failed ended, in the words of the metrics; what is no error of ours may mean it was cancelled. */
export function outcomeOf(error: unknown, cancelled: boolean): CallOutcome {
  if (error instanceof SelvageError) return OUTCOMES[error.name];
  return cancelled ? "cancelled" : "internal";
}
