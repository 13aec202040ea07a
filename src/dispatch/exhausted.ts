import { AllWorkersFailed, NoWorkersAvailable, Overloaded, UnknownRoutine } from "../errors/mod.ts";
import type { Endpoint } from "./endpoint.ts";

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
