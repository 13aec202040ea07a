import {
  AllWorkersFailed,
  DeadlineExceeded,
  NoWorkersAvailable,
  Overloaded,
  UnknownRoutine,
} from "../../errors/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Wanted } from "../selection/suitable_endpoints.ts";

/**
 * What a call fails with when no worker took it: none was known, the one that was known gave its
 * own reason, or each gave one.
 *
 * @param tried every worker that was asked, with its reason.
 */
export function noWorkerAccepted(
  tried: ReadonlyMap<Endpoint, Error>,
  fleet: Pick<Fleet, "closed" | "whyNone">,
  wanted: Wanted = {},
): Error {
  const errors = [...tried.values()];
  const [first] = errors;
  if (first === undefined || fleet.closed) return new NoWorkersAvailable(fleet.whyNone(wanted));
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
 * Why a wait for workers to become ready failed: none is known, each that is known has failed,
 * or there was not time enough.
 */
export function notReady(fleet: Fleet, min: number, timeoutMs: number): Error {
  const known = fleet.endpoints;
  if (known.length === 0) return noWorkerAccepted(new Map(), fleet);
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
