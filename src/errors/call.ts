import { SelvageError } from "./selvage_error.ts";

/** What a routine threw, as it travels. */
export interface RoutineFailure {
  /** The `name` of what was thrown, `RangeError` for instance. */
  readonly remoteName: string;
  readonly message: string;
  /** The enumerable own properties of what was thrown. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The `cause` of what was thrown, rebuilt. */
  readonly cause?: unknown;
  /** The stack at the worker, where the worker allows it to travel. */
  readonly remoteStack?: string;
}

/** The routine itself threw; the worker and the connection are well. */
export class RoutineError extends SelvageError {
  override readonly name = "RoutineError";
  readonly routine: string;
  readonly remoteName: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly remoteStack?: string;

  constructor(routine: string, failure: RoutineFailure) {
    super(failure.message, "cause" in failure ? { cause: failure.cause } : undefined);
    this.routine = routine;
    this.remoteName = failure.remoteName;
    this.data = failure.data;
    if (failure.remoteStack !== undefined) this.remoteStack = failure.remoteStack;
  }
}

/** No worker that was asked serves a routine of that name. */
export class UnknownRoutine extends SelvageError {
  override readonly name = "UnknownRoutine";
  readonly routine: string;
  /** The served name that resembles it most, where one does. */
  readonly nearest?: string;

  constructor(routine: string, nearest?: string) {
    super(
      nearest === undefined
        ? `no routine "${routine}" is served here`
        : `no routine "${routine}" is served here; did you mean "${nearest}"?`,
    );
    this.routine = routine;
    if (nearest !== undefined) this.nearest = nearest;
  }
}

/** Arguments, an item or a result cannot be written, read, or do not fit the routine's schema. */
export class InvalidPayload extends SelvageError {
  override readonly name = "InvalidPayload";
  /** Where in the value, `arguments[0].when` for instance. */
  readonly path?: string;

  constructor(message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.path !== undefined) this.path = options.path;
  }
}

/** The call's time ran out. */
export class DeadlineExceeded extends SelvageError {
  override readonly name = "DeadlineExceeded";
  /** The time the call was given, in milliseconds. */
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`the call did not finish within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}
