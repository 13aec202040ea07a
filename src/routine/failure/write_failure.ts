import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type * as errors from "../../errors/mod.ts";
import {
  type AllWorkersFailedDetailSchema,
  type CauseSchema,
  type Failure,
  FailureSchema,
  type HandshakeDetailSchema,
  type RoutineDetailSchema,
  type ThrownSchema,
} from "../../gen/mod.ts";
import { payloadMessage } from "../envelope/generated.ts";
import type { EncodedPayload, PayloadForm } from "../payload/payload.ts";
import { Allowance } from "./allowance.ts";
import { isError, isOurs, mayTravel, propertiesOf, read, textOf } from "./thrown.ts";

/** The most that a failure takes on the wire, in bytes, but for what its structure adds. */
export const MAX_FAILURE_BYTES = 8 * 1024;
/** How many causes of causes travel. */
export const MAX_CAUSES = 8;
/** How many workers' failures travel. */
export const MAX_WORKER_FAILURES = 32;
/** The longest message of an error, in bytes. */
const MAX_MESSAGE = 4 * 1024;
/** The longest name, word, path or address, in bytes. */
const MAX_WORD = 512;
/** The longest stack, in bytes. */
const MAX_STACK = 2 * 1024;
/** The most names that one side expected or presented. */
const MAX_NAMES = 8;

/**
 * Writes an error for the wire: the detail that {@linkcode readFailure} rebuilds it from; nothing for an error that is
 * not ours, or cannot be read.
 *
 * @param form What the values in it are written in: what the caller wrote its own in.
 */
export function writeFailure(error: unknown, form: PayloadForm = "cbor"): Failure | undefined {
  const failure = failureOf(error, new Allowance(MAX_FAILURE_BYTES, form), MAX_CAUSES);
  return failure === undefined ? undefined : create(FailureSchema, failure);
}

type FailureInit = MessageInitShape<typeof FailureSchema>;
type CauseInit = MessageInitShape<typeof CauseSchema>;
type Kind = NonNullable<FailureInit["kind"]>;

/** Every error of ours: distinguished by name, which holds across copies of the package. */
type Ours = InstanceType<typeof errors[errors.SelvageErrorName]>;

function failureOf(error: unknown, room: Allowance, causes: number): FailureInit | undefined {
  if (!isOurs(error)) return undefined;
  const ours = error as Ours;
  try {
    return {
      message: room.text(ours.message, MAX_MESSAGE),
      kind: kindOf(ours, room, causes),
      ...causeOf(ours.cause, room, causes),
    };
  } catch {
    // A subclass of a routine's own may throw from any of its getters.
    return undefined;
  }
}

function kindOf(error: Ours, room: Allowance, causes: number): Kind {
  const word = (text = "") => room.text(text, MAX_WORD);
  switch (error.name) {
    case "RoutineError":
      return { case: "routine", value: routineOf(error, room) };
    case "UnknownRoutine":
      return {
        case: "unknownRoutine",
        value: { routine: word(error.routine), nearest: word(error.nearest) },
      };
    case "InvalidPayload":
      return { case: "invalidPayload", value: { path: word(error.path) } };
    case "AuthenticationError":
      return { case: "authentication", value: { reason: error.reason } };
    case "AuthorizationError":
      return { case: "authorization", value: { rule: word(error.rule) } };
    case "Overloaded":
      return { case: "overloaded", value: { notBegun: error.notBegun } };
    case "DeadlineExceeded":
      return { case: "deadlineExceeded", value: { timeoutMs: error.timeoutMs } };
    case "NoWorkersAvailable":
      return { case: "noWorkers", value: {} };
    case "ConfigurationError":
      return { case: "configuration", value: { setting: word(error.setting) } };
    case "WorkerUnavailable": {
      const worker = workerOf(error.worker, room);
      return { case: "workerUnavailable", value: { worker, notBegun: error.notBegun } };
    }
    case "HandshakeError":
      return { case: "handshake", value: handshakeOf(error, room) };
    case "AllWorkersFailed":
      return { case: "allWorkersFailed", value: allOf(error, room, causes) };
  }
}

function routineOf(
  error: errors.RoutineError,
  room: Allowance,
): MessageInitShape<typeof RoutineDetailSchema> {
  return {
    routine: room.text(error.routine, MAX_WORD),
    name: room.text(error.remoteName, MAX_WORD),
    ...dataOf(room.properties(Object.entries(error.data))),
    stack: room.text(error.remoteStack ?? "", MAX_STACK),
  };
}

/** What a person needs to act; the certificates and the state of this host stay here. */
function handshakeOf(
  { side, reason, peerReason, worker, evidence }: errors.HandshakeError,
  room: Allowance,
): MessageInitShape<typeof HandshakeDetailSchema> {
  const names = (list: readonly string[] = []) =>
    list.slice(0, MAX_NAMES).map((name) => room.text(name, MAX_WORD));
  return {
    side,
    reason,
    peerReason: peerReason ?? "",
    worker: workerOf(worker, room),
    rule: room.text(evidence.rule ?? "", MAX_WORD),
    found: room.text(evidence.found ?? "", MAX_WORD),
    advice: room.text(evidence.advice ?? "", MAX_WORD),
    expected: names(evidence.expected),
    presented: names(evidence.presented),
  };
}

function allOf(
  { failures }: errors.AllWorkersFailed,
  room: Allowance,
  causes: number,
): MessageInitShape<typeof AllWorkersFailedDetailSchema> {
  return {
    failures: failures.slice(0, MAX_WORKER_FAILURES).map(({ worker, error }) => ({
      worker: workerOf(worker, room),
      error: causeOf(error, room, causes).cause ?? {},
    })),
  };
}

function workerOf(
  { address, id = "" }: { readonly address: string; readonly id?: string },
  room: Allowance,
): { address: string; id: string } {
  return { address: room.text(address, MAX_WORD), id: room.text(id, MAX_WORD) };
}

function causeOf(cause: unknown, room: Allowance, causes: number): { cause?: CauseInit } {
  if (cause === undefined || causes === 0) return {};
  const failure = failureOf(cause, room, causes - 1);
  if (failure !== undefined) return { cause: { kind: { case: "failure", value: failure } } };
  if (isError(cause)) {
    return { cause: { kind: { case: "thrown", value: thrownOf(cause, room, causes - 1) } } };
  }
  const payload = mayTravel(cause) ? room.payload(cause) : undefined;
  if (payload === undefined) return {};
  return { cause: { kind: { case: "value", value: payloadMessage(payload) } } };
}

/** The stack of a cause does not travel: that of the error it caused shows where it came from. */
function thrownOf(
  error: Error,
  room: Allowance,
  causes: number,
): MessageInitShape<typeof ThrownSchema> {
  return {
    name: room.text(textOf(error, "name"), MAX_WORD),
    message: room.text(textOf(error, "message"), MAX_MESSAGE),
    ...dataOf(room.properties(propertiesOf(error))),
    ...causeOf(read(error, "cause"), room, causes),
  };
}

function dataOf(
  payload: EncodedPayload | undefined,
): { data?: ReturnType<typeof payloadMessage> } {
  return payload === undefined ? {} : { data: payloadMessage(payload) };
}
