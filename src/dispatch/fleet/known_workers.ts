import type { DiscoveredWorker, DiscoveryChange } from "../../discovery/mod.ts";
import { rendezvousScore } from "./rendezvous.ts";

/** A change of the workers that are used. */
export type WorkerChange = Exclude<DiscoveryChange, { readonly kind: "failed" | "rejected" }>;

/**
 * The workers that one source has found, and those of them that are used: at most so many. Which ones is
 * decided by rendezvous hash, so that each dispatcher keeps its own choice while workers come and go, and
 * several dispatchers together use all of them.
 */
export class KnownWorkers {
  readonly #max: number;
  readonly #dispatcherId: string;
  readonly #found = new Map<string, Found>();
  readonly #used = new Set<string>();

  /**
   * @param max How many are used at most.
   * @param dispatcherId What the choice depends on, besides the addresses.
   */
  constructor(max: number, dispatcherId: string) {
    this.#max = max;
    this.#dispatcherId = dispatcherId;
  }

  /** How many were found. */
  get found(): number {
    return this.#found.size;
  }

  /** How many of those found are not used. */
  get unused(): number {
    return this.#found.size - this.#used.size;
  }

  /** Takes in one batch of changes. @returns what changes among the workers that are used, in order. */
  apply(batch: readonly WorkerChange[]): readonly WorkerChange[] {
    for (const change of batch) {
      if (change.kind === "removed") this.#found.delete(change.address);
      else this.#found.set(change.worker.address, this.#claim(change.worker));
    }
    const chosen = this.#chosen();
    const changes: WorkerChange[] = [];
    for (const change of batch) {
      if (change.kind === "removed") {
        if (this.#used.delete(change.address)) changes.push(change);
      } else if (this.#used.has(change.worker.address)) {
        changes.push({ kind: "updated", worker: change.worker });
      } else if (chosen.has(change.worker.address)) this.#use(change.worker, changes);
    }
    for (const address of this.#used) {
      if (chosen.has(address)) continue;
      this.#used.delete(address);
      changes.push({ kind: "removed", address });
    }
    for (const [address, { worker }] of chosen) {
      if (!this.#used.has(address)) this.#use(worker, changes);
    }
    return changes;
  }

  #chosen(): ReadonlyMap<string, Found> {
    if (this.#found.size <= this.#max) return this.#found;
    const byClaim = [...this.#found].sort(([, a], [, b]) => b.claim - a.claim);
    return new Map(byClaim.slice(0, this.#max));
  }

  #use(worker: DiscoveredWorker, changes: WorkerChange[]): void {
    this.#used.add(worker.address);
    changes.push({ kind: "added", worker });
  }

  #claim(worker: DiscoveredWorker): Found {
    return { worker, claim: rendezvousScore(this.#dispatcherId, worker.address) };
  }
}

interface Found {
  readonly worker: DiscoveredWorker;
  /** Those with the highest are used. */
  readonly claim: number;
}
