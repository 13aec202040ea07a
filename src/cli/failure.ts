import {
  AllWorkersFailed,
  AuthenticationError,
  AuthorizationError,
  ConfigurationError,
  DeadlineExceeded,
  HandshakeError,
  InvalidPayload,
  NoWorkersAvailable,
  Overloaded,
  RoutineError,
  UnknownRoutine,
  WorkerUnavailable,
} from "../errors/mod.ts";
import { present } from "../values/mod.ts";
import { ExitCode } from "./exit_code.ts";

/** The exit code that fits an error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof RoutineError) return ExitCode.routineThrew;
  if (error instanceof NoWorkersAvailable) return ExitCode.noWorkers;
  if (error instanceof HandshakeError) return ExitCode.handshake;
  if (error instanceof AuthenticationError || error instanceof AuthorizationError) {
    return ExitCode.access;
  }
  if (error instanceof DeadlineExceeded) return ExitCode.deadline;
  if (error instanceof WorkerUnavailable || error instanceof Overloaded) {
    return ExitCode.unavailable;
  }
  if (
    error instanceof ConfigurationError || error instanceof UnknownRoutine ||
    error instanceof InvalidPayload
  ) return ExitCode.usage;
  if (error instanceof AllWorkersFailed) return exitCodeOfAll(error);
  return ExitCode.routineThrew;
}

/** An error as one JSON object: its name, its reason, and what a person needs to act. */
export function failureOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { error: "Error", message: String(error) };
  const { name, message } = error;
  return { error: name, ...detailsOf(error), message };
}

/** The code that all failures share; `unavailable` where they differ. */
function exitCodeOfAll({ failures }: AllWorkersFailed): ExitCode {
  const codes = new Set(failures.map(({ error }) => exitCodeOf(error)));
  const [code] = codes;
  return codes.size === 1 && code !== undefined ? code : ExitCode.unavailable;
}

function detailsOf(error: Error): Readonly<Record<string, unknown>> {
  if (error instanceof HandshakeError) {
    const { reason, peerReason, side, worker, evidence } = error;
    return { reason, ...present({ peerReason }), side, worker, evidence };
  }
  if (error instanceof AllWorkersFailed) {
    return {
      handshakeOnly: error.handshakeOnly,
      failures: error.failures.map(({ worker, error }) => ({ worker, ...failureOf(error) })),
    };
  }
  if (error instanceof RoutineError) {
    const { routine, remoteName, data, cause } = error;
    return {
      routine,
      thrown: remoteName,
      ...(Object.keys(data).length === 0 ? {} : { data }),
      ...present({ cause: shownCause(cause, MAX_CAUSES) }),
    };
  }
  if (error instanceof WorkerUnavailable) return { worker: error.worker };
  if (error instanceof AuthenticationError) return { reason: error.reason };
  if (error instanceof AuthorizationError) return { rule: error.rule };
  if (error instanceof UnknownRoutine) {
    const { routine, nearest } = error;
    const advice = "selvage describe prints what is served";
    return { routine, ...(nearest === undefined ? { advice } : { nearest }) };
  }
  if (error instanceof InvalidPayload) return present({ path: error.path });
  if (error instanceof ConfigurationError) return present({ setting: error.setting });
  if (error instanceof DeadlineExceeded) return { timeoutMs: error.timeoutMs };
  return {};
}

/** So many causes of causes are shown. */
const MAX_CAUSES = 8;

/** What caused an error: another one, as it would be shown itself, or a plain value. */
function shownCause(cause: unknown, left: number): unknown {
  if (!(cause instanceof Error)) {
    return typeof cause === "object" || typeof cause === "bigint" ? undefined : cause;
  }
  const shown = failureOf(cause);
  if ("cause" in shown || left === 0) return shown;
  return { ...shown, ...present({ cause: shownCause(cause.cause, left - 1) }) };
}
