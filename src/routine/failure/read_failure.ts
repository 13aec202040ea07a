import {
  AllWorkersFailed,
  AuthenticationError,
  type AuthenticationReason,
  AuthorizationError,
  ConfigurationError,
  DeadlineExceeded,
  escapePeerText,
  HandshakeError,
  type HandshakeEvidence,
  type HandshakeReason,
  InvalidPayload,
  isPeerReason,
  NoWorkersAvailable,
  Overloaded,
  RoutineError,
  UnknownRoutine,
  type WorkerRef,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import type {
  AllWorkersFailedDetail,
  Cause,
  Failure,
  HandshakeDetail,
  Payload,
  RoutineDetail,
  Thrown,
  WorkerDetail,
} from "../../gen/mod.ts";
import { payloadOf } from "../envelope/generated.ts";
import { decodePayload } from "../payload/payload.ts";
import { MAX_CAUSES, MAX_WORKER_FAILURES } from "./write_failure.ts";

/** The longest message of a remote error that is kept, in characters. */
const MAX_MESSAGE = 4 * 1024;
/** The longest remote stack that is kept, in characters. */
const MAX_STACK = 16 * 1024;

/**
 * Rebuilds an error from the wire; nothing where its kind is not known here, or its words are not ours. All of it is a
 * peer's text: words are checked against ours, lengths and depth are bounded, and only what a routine threw keeps its
 * wording as it is.
 */
export function readFailure(failure: Failure): Error | undefined {
  return errorOf(failure, MAX_CAUSES);
}

function errorOf(failure: Failure, causes: number): Error | undefined {
  const { kind } = failure;
  const message = escapePeerText(failure.message);
  const options = causeOf(failure.cause, causes);
  switch (kind.case) {
    case "routine":
      return routineErrorOf(failure, kind.value, options);
    case "unknownRoutine": {
      const { routine, nearest } = kind.value;
      return new UnknownRoutine(
        escapePeerText(routine),
        nearest === "" ? undefined : escapePeerText(nearest),
      );
    }
    case "invalidPayload": {
      const path = escapePeerText(kind.value.path);
      return new InvalidPayload(message, { ...(path === "" ? {} : { path }), ...options });
    }
    case "authentication": {
      const { reason } = kind.value;
      if (!isAuthenticationReason(reason)) return undefined;
      return new AuthenticationError(message, { reason, ...options });
    }
    case "authorization":
      return new AuthorizationError(message, { rule: escapePeerText(kind.value.rule) });
    case "overloaded":
      return new Overloaded(message, { ...options, notBegun: kind.value.notBegun });
    case "deadlineExceeded":
      return new DeadlineExceeded(kind.value.timeoutMs);
    case "noWorkers":
      return new NoWorkersAvailable(message, options);
    case "configuration": {
      const setting = escapePeerText(kind.value.setting);
      return new ConfigurationError(message, {
        ...(setting === "" ? {} : { setting }),
        ...options,
      });
    }
    case "workerUnavailable": {
      const { worker, notBegun } = kind.value;
      return new WorkerUnavailable(message, { worker: workerOf(worker), notBegun, ...options });
    }
    case "handshake":
      return handshakeErrorOf(kind.value, options);
    case "allWorkersFailed":
      return allWorkersFailedOf(kind.value, causes);
    case undefined:
      return undefined;
  }
}

function routineErrorOf(
  failure: Failure,
  { routine, name, data, stack }: RoutineDetail,
  cause: ErrorOptions,
): RoutineError {
  return new RoutineError(escapePeerText(routine), {
    remoteName: escapePeerText(name),
    message: failure.message.slice(0, MAX_MESSAGE),
    data: dataOf(data),
    ...cause,
    ...(stack === "" ? {} : { remoteStack: stack.slice(0, MAX_STACK) }),
  });
}

function handshakeErrorOf(detail: HandshakeDetail, cause: ErrorOptions): Error | undefined {
  const { side, reason, peerReason } = detail;
  if (side !== "dispatcher" && side !== "worker") return undefined;
  if (!isHandshakeReason(reason)) return undefined;
  return new HandshakeError({
    side,
    reason,
    ...(isPeerReason(peerReason) ? { peerReason } : {}),
    worker: workerOf(detail.worker),
    evidence: evidenceOf(detail),
  }, cause);
}

function evidenceOf(detail: HandshakeDetail): HandshakeEvidence {
  const { rule, found, advice, expected, presented } = detail;
  return {
    ...(rule === "" ? {} : { rule: escapePeerText(rule) }),
    ...(found === "" ? {} : { found: escapePeerText(found) }),
    ...(advice === "" ? {} : { advice: escapePeerText(advice) }),
    ...(expected.length === 0 ? {} : { expected: expected.map((name) => escapePeerText(name)) }),
    ...(presented.length === 0 ? {} : { presented: presented.map((name) => escapePeerText(name)) }),
  };
}

function allWorkersFailedOf({ failures }: AllWorkersFailedDetail, causes: number): Error {
  return new AllWorkersFailed(
    failures.slice(0, MAX_WORKER_FAILURES).map(({ worker, error }) => {
      const { cause } = causeOf(error, causes);
      return {
        worker: workerOf(worker),
        error: cause instanceof Error ? cause : new Error("the worker's own error did not travel"),
      };
    }),
  );
}

function workerOf(worker: WorkerDetail | undefined): WorkerRef {
  const { address = "", id = "" } = worker ?? {};
  return {
    address: escapePeerText(address),
    ...(id === "" ? {} : { id: escapePeerText(id) }),
  };
}

function causeOf(cause: Cause | undefined, causes: number): { cause?: unknown } {
  if (causes === 0) return {};
  switch (cause?.kind.case) {
    case "failure": {
      const failure = cause.kind.value;
      const error = errorOf(failure, causes - 1) ?? new Error(escapePeerText(failure.message));
      return { cause: error };
    }
    case "thrown":
      return { cause: thrownOf(cause.kind.value, causes - 1) };
    case "value":
      return valueOf(cause.kind.value);
    default:
      return {};
  }
}

/** The platform's own classes of errors, which anyone may test for. */
const CLASSES: Readonly<Record<string, new (message: string, options: ErrorOptions) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

function thrownOf({ name, message, data, cause }: Thrown, causes: number): Error {
  const Class = Object.hasOwn(CLASSES, name) ? CLASSES[name] as typeof Error : Error;
  const error = new Class(message.slice(0, MAX_MESSAGE), causeOf(cause, causes));
  const shown = escapePeerText(name);
  if (error.name !== shown) define(error, "name", shown);
  // The stack of the rebuilding would only mislead.
  define(error, "stack", String(error));
  for (const [key, value] of Object.entries(dataOf(data))) {
    if (!(key in error)) define(error, key, value, true);
  }
  return error;
}

function define(error: Error, key: string, value: unknown, enumerable: boolean = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

function dataOf(data: Payload | undefined): Readonly<Record<string, unknown>> {
  const { cause: value } = valueOf(data);
  const plain = typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  return plain ? value as Record<string, unknown> : {};
}

/** A value that cannot be read is left out: the rest of the failure matters more. */
function valueOf(message: Payload | undefined): { cause?: unknown } {
  const payload = payloadOf(message);
  if (payload === undefined) return {};
  try {
    return { cause: decodePayload(payload, "data") };
  } catch {
    return {};
  }
}

const AUTHENTICATION_REASONS: Readonly<Record<AuthenticationReason, true>> = {
  "token-missing": true,
  "token-malformed": true,
  "token-invalid": true,
  "token-expired": true,
  "token-not-yet-valid": true,
  "token-wrong-audience": true,
  "token-wrong-issuer": true,
  "token-unknown-key": true,
  "token-bad-signature": true,
  "token-replayed": true,
  "token-not-bound": true,
  "token-over-plaintext": true,
  "key-set-unreachable": true,
  "peer-unauthenticated": true,
};

function isAuthenticationReason(word: string): word is AuthenticationReason {
  return Object.hasOwn(AUTHENTICATION_REASONS, word);
}

const HANDSHAKE_REASONS: Readonly<Record<HandshakeReason, true>> = {
  "untrusted-authority": true,
  "identity-mismatch": true,
  "certificate-expired": true,
  "certificate-not-yet-valid": true,
  "certificate-unsuitable": true,
  "certificate-denied": true,
  "own-certificate-invalid": true,
  "client-certificate-required": true,
  "client-certificate-refused": true,
  "plaintext-peer": true,
  "encrypted-peer": true,
  "protocol-mismatch": true,
  "handshake-timeout": true,
  "handshake-aborted": true,
  "tls-alert": true,
};

function isHandshakeReason(word: string): word is HandshakeReason {
  return Object.hasOwn(HANDSHAKE_REASONS, word);
}
