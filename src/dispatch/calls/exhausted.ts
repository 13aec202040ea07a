import {
  AllWorkersFailed,
  DeadlineExceeded,
  NoWorkersAvailable,
  Overloaded,
  UnknownRoutine,
} from "../../errors/mod.ts";
import type { Endpoint } from "../fleet/endpoint.ts";

/**
 * What a call fails with when no worker took it: none was known, the one that was known gave its
 * own reason, or each gave one.
 *
 * @param tried every worker that was asked, with its reason.
 */
export function noneTookIt(tried: ReadonlyMap<Endpoint, Error>): Error {
  const errors = [...tried.values()];
  const [first] = errors;
  if (first === undefined) {
    return new NoWorkersAvailable("discovery has found no worker for this call");
  }
  if (errors.length === 1) return first;
  // The fleet as a whole has no room, or no such routine: one answer says it.
  if (errors.every((error) => error instanceof Overloaded)) return first;
  if (errors.every((error) => error instanceof UnknownRoutine)) {
    return errors.find((error) => (error as UnknownRoutine).nearest !== undefined) ?? first;
  }
  return new AllWorkersFailed(
    [...tried].map(([endpoint, error]) => ({ worker: endpoint.ref, error })),
  );
}

/**
 * Why a wait for workers to become ready came to nothing: none is known, each that is known has failed,
 * or there was not time enough.
 */
export function notReady(known: readonly Endpoint[], min: number, timeoutMs: number): Error {
  if (known.length === 0) return noneTookIt(new Map());
  const failures = known.flatMap(({ ref: worker, state, lastFailure: error }) =>
    state === "ready" || error === undefined ? [] : [{ worker, error }]
  );
  const [first] = failures;
  if (failures.length < known.length || first === undefined) {
    const ready = known.filter(({ state }) => state === "ready").length;
    const wanted = min === Number.MAX_SAFE_INTEGER ? known.length : min;
    return new DeadlineExceeded(
      timeoutMs,
      `${ready} of ${wanted} workers were ready within ${timeoutMs} ms`,
    );
  }
  return known.length === 1 ? first.error : new AllWorkersFailed(failures);
}
