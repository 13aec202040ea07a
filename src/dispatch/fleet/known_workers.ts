import type { DiscoveredWorker, DiscoveryChange } from "../../discovery/mod.ts";
import { placeOnRing } from "./lease.ts";
import { rendezvousScore } from "../selection/rendezvous.ts";

/** A change of the workers that are used. */
export type WorkerChange = Exclude<DiscoveryChange, { readonly kind: "failed" | "rejected" }>;

/** Workers that cannot be connected though they are listed. */
export interface Unreachable {
  /** How many workers are used at most, with those that are unreachable. */
  readonly most: number;
  /** Whether a worker is one of them. */
  has(address: string): boolean;
}

/** Every dispatcher with an ordinal orders the workers by their claims on this. */
const RING = "ring";

/** With more changes than this at once, sorting anew costs less than finding each place. */
const MANY_CHANGES = 64;

/**
 * The workers that one source has found, and those of them that are used: at most so many. A dispatcher without an
 * ordinal chooses them by rendezvous hash. Those with ordinals take neighbours on one ring of all workers, each from
 * a place of its own, so that together they use all workers equally. Either way a worker that comes or goes
 * changes one or two of those that are used. For each that is used and unreachable one more is used.
 */
export class KnownWorkers {
  readonly #max: number;
  readonly #unreachable: Unreachable | undefined;
  readonly #key: string;
  /** Where on the ring those that are used begin; `undefined` where the highest claims are used. */
  readonly #place: number | undefined;
  readonly #found = new Map<string, Found>();
  /** The workers found, the highest claim first. */
  #order: Found[] = [];
  readonly #used = new Set<string>();

  /**
   * @param max How many are used at most.
   * @param dispatcherId What the choice depends on, besides the addresses, where there is no ordinal.
   * @param ordinal Which of the dispatchers this is.
   * @param unreachable Which workers do not count. Default: every worker does.
   */
  constructor(max: number, dispatcherId: string, ordinal?: number, unreachable?: Unreachable) {
    this.#max = max;
    this.#unreachable = unreachable;
    this.#key = ordinal === undefined ? dispatcherId : RING;
    this.#place = ordinal === undefined ? undefined : placeOnRing(ordinal);
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
    const fewChanges = batch.length <= MANY_CHANGES;
    for (const change of batch) {
      if (change.kind === "removed") this.#forget(change.address, fewChanges);
      else this.#find(change.worker, fewChanges);
    }
    if (!fewChanges) this.#order = [...this.#found.values()].sort(byClaim);
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

  #find(worker: DiscoveredWorker, inOrder: boolean): void {
    const { address } = worker;
    const known = this.#found.get(address);
    if (known !== undefined) {
      known.worker = worker;
      return;
    }
    const found = { worker, claim: rendezvousScore(this.#key, address) };
    this.#found.set(address, found);
    if (inOrder) this.#order.splice(this.#placeOf(found), 0, found);
  }

  #forget(address: string, inOrder: boolean): void {
    const found = this.#found.get(address);
    if (found === undefined) return;
    this.#found.delete(address);
    if (inOrder) this.#order.splice(this.#placeOf(found), 1);
  }

  /** Where one is in the order, or belongs. */
  #placeOf(found: Found): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byClaim(this.#order[middle]!, found) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #chosen(): ReadonlyMap<string, Found> {
    const { length } = this.#order;
    if (length <= this.#max) return this.#found;
    const first = this.#place === undefined ? 0 : Math.floor(this.#place * length);
    const most = Math.min(this.#unreachable?.most ?? this.#max, length);
    const chosen = new Map<string, Found>();
    for (let reachable = 0; reachable < this.#max && chosen.size < most;) {
      const found = this.#order[(first + chosen.size) % length]!;
      chosen.set(found.worker.address, found);
      if (this.#unreachable?.has(found.worker.address) !== true) reachable += 1;
    }
    return chosen;
  }

  #use(worker: DiscoveredWorker, changes: WorkerChange[]): void {
    this.#used.add(worker.address);
    changes.push({ kind: "added", worker });
  }
}

interface Found {
  worker: DiscoveredWorker;
  readonly claim: number;
}

/** The highest claim first; of equal ones by address, so that every dispatcher has the same order. */
function byClaim(one: Found, other: Found): number {
  if (one.claim !== other.claim) return other.claim - one.claim;
  return one.worker.address < other.worker.address
    ? -1
    : one.worker.address > other.worker.address
    ? 1
    : 0;
}
