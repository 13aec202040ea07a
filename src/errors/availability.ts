import { HandshakeError } from "./handshake_error.ts";
import { escapePeerText } from "./peer_text.ts";
import { SELVAGE_ERROR, SelvageError } from "./selvage_error.ts";
import type { WorkerRef } from "./worker_ref.ts";

/** Discovery found no worker to call. */
export class NoWorkersAvailable extends SelvageError {
  /** Always `NoWorkersAvailable`. */
  override readonly name = "NoWorkersAvailable";
}

/** A worker could not be reached, or was lost after the handshake. */
export class WorkerUnavailable extends SelvageError {
  /** Always `WorkerUnavailable`. */
  override readonly name = "WorkerUnavailable";
  /** The worker that could not be reached. */
  readonly worker: WorkerRef;
  /** Whether the call is known not to have begun there. */
  readonly notBegun: boolean;

  /** Made where the connection is opened or lost. */
  constructor(
    message: string,
    options: { worker: WorkerRef; notBegun: boolean; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.worker = options.worker;
    this.notBegun = options.notBegun;
  }
}

/** The worker, or the whole fleet, has no room for another call now. */
export class Overloaded extends SelvageError {
  /** Always `Overloaded`. */
  override readonly name = "Overloaded";
  /** Whether the call is known not to have begun, so that making it again is safe. */
  readonly notBegun: boolean;

  /** Made where a call is refused. Default of `notBegun`: `true`. */
  constructor(message: string, options: { notBegun?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.notBegun = options.notBegun ?? true;
  }
}

/** One worker's part in an {@linkcode AllWorkersFailed}. */
export interface WorkerFailure {
  /** Which worker. */
  readonly worker: WorkerRef;
  /** Why it did not take the call. */
  readonly error: Error;
}

/** Workers were found, and none took the call; `failures` says why, worker by worker. */
export class AllWorkersFailed extends AggregateError {
  /** Always `AllWorkersFailed`. */
  override readonly name = "AllWorkersFailed";
  /** The mark of {@linkcode SelvageError}. */
  readonly [SELVAGE_ERROR] = true;
  /** What became of each worker that was asked, in the order they were asked. */
  readonly failures: readonly WorkerFailure[];
  /** Whether every one of them failed in its handshake. */
  readonly handshakeOnly: boolean;

  /** Made once every worker was asked; with one worker only, its own error is thrown instead. */
  constructor(failures: readonly WorkerFailure[]) {
    super(
      failures.map(({ error }) => error),
      `none of ${failures.length} workers took the call: ${summary(failures)}${first(failures)}`,
    );
    this.failures = failures;
    this.handshakeOnly = failures.length > 0 &&
      failures.every(({ error }) => error instanceof HandshakeError);
  }
}

/** One error says what to do; the others are most often the same. */
const FIRST_LIMIT = 1024;

function first([failure]: readonly WorkerFailure[]): string {
  if (failure === undefined) return "";
  return `; the first: ${escapePeerText(failure.error.message, FIRST_LIMIT)}`;
}

/** Our own kinds are fewer; only errors of others can exceed it. */
const KINDS_SHOWN = 16;

function summary(failures: readonly WorkerFailure[]): string {
  const counts = new Map<string, number>();
  for (const { error } of failures) {
    const kind = error instanceof HandshakeError ? error.reason : error.name;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kinds = [...counts].map(([kind, count]) => `${count} ${escapePeerText(kind)}`);
  if (kinds.length <= KINDS_SHOWN) return kinds.join(", ");
  return `${kinds.slice(0, KINDS_SHOWN).join(", ")} and ${kinds.length - KINDS_SHOWN} other kinds`;
}
