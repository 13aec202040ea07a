/** The stable `name` of each error class; what a program may branch on. */
export type SelvageErrorName =
  | "HandshakeError"
  | "NoWorkersAvailable"
  | "AllWorkersFailed"
  | "WorkerUnavailable"
  | "AuthenticationError"
  | "AuthorizationError"
  | "RoutineError"
  | "UnknownRoutine"
  | "InvalidPayload"
  | "Overloaded"
  | "DeadlineExceeded"
  | "ConfigurationError";

/** Marks our errors across copies of the package in one process, and an `AggregateError` of ours. */
export const SELVAGE_ERROR: unique symbol = Symbol.for("selvage.error") as never;

/**
 * The base of every error that Selvage throws on purpose.
 *
 * `instanceof SelvageError` also recognises an {@linkcode AllWorkersFailed}, which is an
 * `AggregateError`, and an error made by another copy of this package.
 */
export abstract class SelvageError extends Error {
  /** The class's own name, stable over releases. */
  abstract override readonly name: SelvageErrorName;
  /** The mark by which any copy of the package recognises this error. */
  readonly [SELVAGE_ERROR] = true;

  /** Distinguishes our errors from others by their mark. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== SelvageError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && SELVAGE_ERROR in value;
  }
}
