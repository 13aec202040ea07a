import { HandshakeError } from "./handshake_error.ts";
import { SELVAGE_ERROR, SelvageError } from "./selvage_error.ts";
import type { WorkerRef } from "./worker_ref.ts";

/** Discovery found no worker to call. */
export class NoWorkersAvailable extends SelvageError {
  override readonly name = "NoWorkersAvailable";
}

/** A worker could not be reached, or was lost after the handshake. */
export class WorkerUnavailable extends SelvageError {
  override readonly name = "WorkerUnavailable";
  readonly worker: WorkerRef;
  /** Whether the call is known not to have begun there. */
  readonly notBegun: boolean;

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
  override readonly name = "Overloaded";
}

/** One worker's part in an {@linkcode AllWorkersFailed}. */
export interface WorkerFailure {
  readonly worker: WorkerRef;
  readonly error: Error;
}

/** Workers were found, and none took the call; `failures` says why, worker by worker. */
export class AllWorkersFailed extends AggregateError {
  override readonly name = "AllWorkersFailed";
  /** See {@linkcode SelvageError}. */
  readonly [SELVAGE_ERROR] = true;
  readonly failures: readonly WorkerFailure[];
  /** Whether every one of them failed in its handshake. */
  readonly handshakeOnly: boolean;

  constructor(failures: readonly WorkerFailure[]) {
    super(
      failures.map(({ error }) => error),
      `none of ${failures.length} workers took the call: ${summary(failures)}`,
    );
    this.failures = failures;
    this.handshakeOnly = failures.every(({ error }) => error instanceof HandshakeError);
  }
}

function summary(failures: readonly WorkerFailure[]): string {
  const counts = new Map<string, number>();
  for (const { error } of failures) {
    const kind = error instanceof HandshakeError ? error.reason : error.name;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}
