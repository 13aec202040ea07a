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

/** The outcomes of the codes of Connect and gRPC; a service's own are all errors of its handler. */
const OUTCOMES_OF_CODES: Readonly<Record<number, CallOutcome>> = {
  1: "cancelled",
  4: "deadline",
  7: "denied",
  8: "overloaded",
  12: "unknown-routine",
  13: "internal",
  14: "unavailable",
  16: "unauthenticated",
};

/** How a call that failed ended, in the words of the metrics; what is no error of ours may mean it was cancelled. */
export function outcomeOf(error: unknown, cancelled: boolean): CallOutcome {
  try {
    if (error instanceof SelvageError) return OUTCOMES[error.name] ?? "routine-error";
    if (cancelled) return "cancelled";
    const code = connectCodeOf(error);
    return code === undefined ? "internal" : OUTCOMES_OF_CODES[code] ?? "routine-error";
  } catch {
    return "internal";
  }
}

/** Whether an error was made for a caller to read: by its class, one of ours or Connect's. */
export function isDeclared(thrown: unknown): boolean {
  try {
    return thrown instanceof SelvageError || connectCodeOf(thrown) !== undefined;
  } catch {
    return false;
  }
}

/** The code of an error of Connect's, distinguished by its name: this layer does without the package. */
function connectCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || error.name !== "ConnectError") return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "number" ? code : undefined;
}
