import type { DiscoveredWorker } from "../../discovery/mod.ts";
import type { WorkerRef } from "../../errors/mod.ts";

/** Which worker, as errors and events name one that was only announced. */
export function workerRef({ address, id }: DiscoveredWorker): WorkerRef {
  return id === undefined ? { address } : { address, id };
}
