import type { Endpoint } from "./endpoint.ts";

/** Chooses who takes the next call, of those that can; there is at least one. */
export type Balancer = (candidates: readonly Endpoint[]) => Endpoint;

/** Everyone in turn. */
export function roundRobin(): Balancer {
  let turn = 0;
  return (candidates) => {
    turn = turn + 1 < candidates.length ? turn + 1 : 0;
    return candidates[turn]!;
  };
}
