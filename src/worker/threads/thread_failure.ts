import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { RoutineError } from "../../errors/mod.ts";
import { FailureSchema } from "../../gen/mod.ts";
import { readFailure, sendAllData, writeFailure } from "../../routine/mod.ts";
import { asError } from "../../values/mod.ts";

/** An error, ready to cross to another thread in the message it would travel to a caller in. */
export function failureOf(error: unknown): Uint8Array<ArrayBuffer> {
  const failure = writeFailure(error) ?? writeFailure(unexpected(error));
  return toBinary(FailureSchema, failure!);
}

/** The error again, in the other thread. */
export function errorOf(failure: Uint8Array): Error {
  const error = readFailure(fromBinary(FailureSchema, failure));
  // What of it may travel was decided in the thread that it was thrown in.
  sendAllData(error);
  return error ?? new Error("a thread sent a failure that cannot be read");
}

/** An error that is not ours comes from a fault of ours; it must not vanish. */
function unexpected(error: unknown): RoutineError {
  const { name, message } = asError(error);
  return new RoutineError("", { remoteName: name, message, data: {} });
}
