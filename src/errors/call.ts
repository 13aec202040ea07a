import { escapePeerText } from "./peer_text.ts";
import { SelvageError } from "./selvage_error.ts";

/** What a routine threw, as it travels. */
export interface RoutineFailure {
  /** The `name` of what was thrown, `RangeError` for instance. */
  readonly remoteName: string;
  /** The `message` of what was thrown. */
  readonly message: string;
  /** Data of what was thrown: `code`, `errno` and `status`, and more where the worker sends it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The `cause` of what was thrown, rebuilt. */
  readonly cause?: unknown;
  /** The stack at the worker, where the worker allows it to travel. */
  readonly remoteStack?: string;
}

/** The routine itself threw; the worker and the connection are well. */
export class RoutineError extends SelvageError {
  /** Always `RoutineError`. */
  override readonly name = "RoutineError";
  /** The routine that threw. */
  readonly routine: string;
  /** The `name` of what it threw, escaped and capped. */
  readonly remoteName: string;
  /**
   * Data of what it threw: its own `code`, `errno` and `status`, the `data` of a `RoutineError`, and all
   * enumerable properties where the worker's `sendErrorData` is set.
   */
  readonly data: Readonly<Record<string, unknown>>;
  /** The stack at the worker, where the worker allows it to travel. */
  readonly remoteStack?: string;

  /** Rebuilt at the caller; `message` and `cause` are those of what was thrown. */
  constructor(routine: string, failure: RoutineFailure) {
    super(failure.message, "cause" in failure ? { cause: failure.cause } : undefined);
    this.routine = routine;
    this.remoteName = escapePeerText(failure.remoteName);
    this.data = failure.data;
    if (failure.remoteStack !== undefined) this.remoteStack = failure.remoteStack;
  }
}

/** No worker that was asked serves a routine of that name. */
export class UnknownRoutine extends SelvageError {
  /** Always `UnknownRoutine`. */
  override readonly name = "UnknownRoutine";
  /** The name that was asked for. */
  readonly routine: string;
  /** The served name that resembles it most, where one does. */
  readonly nearest?: string;

  /** Made at the worker, where `routine` is the caller's text, and at the caller, where `nearest` is the worker's. */
  constructor(routine: string, nearest?: string) {
    super(
      nearest === undefined
        ? `no routine "${escapePeerText(routine)}" is served here`
        : `no routine "${escapePeerText(routine)}" is served here; did you mean "${
          escapePeerText(nearest)
        }"?`,
    );
    this.routine = routine;
    if (nearest !== undefined) this.nearest = nearest;
  }
}

/** Arguments, an item or a result cannot be written, read, or do not fit the routine's schema. */
export class InvalidPayload extends SelvageError {
  /** Always `InvalidPayload`. */
  override readonly name = "InvalidPayload";
  /** Where in the value, `arguments[0].when` for instance. */
  readonly path?: string;

  /** Made where the value is written or read. */
  constructor(message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.path !== undefined) this.path = options.path;
  }
}

/** The time ran out of a call, or of a wait. */
export class DeadlineExceeded extends SelvageError {
  /** Always `DeadlineExceeded`. */
  override readonly name = "DeadlineExceeded";
  /** The time the call was given, in milliseconds. */
  readonly timeoutMs: number;

  /** Made by the end that kept the time, caller or worker. Default message: that the call did not finish. */
  constructor(timeoutMs: number, message = `the call did not finish within ${timeoutMs} ms`) {
    super(message);
    this.timeoutMs = timeoutMs;
  }
}
