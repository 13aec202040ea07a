import type { DiscoveredWorker, DiscoveryChange } from "./discovery.ts";

/**
 * The workers that a registry holds, by the keys of their entries. Two entries may have one address: that of
 * a worker that is gone, and that of its successor, in whichever order the registry forgets them.
 */
export class KnownWorkers {
  readonly #byKey = new Map<string, DiscoveredWorker>();
  /** The entries of each address; the one that was written last holds. */
  readonly #byAddress = new Map<string, Map<string, DiscoveredWorker>>();

  /** An entry is new, or changed. @returns what that changes. */
  put(key: string, worker: DiscoveredWorker): readonly DiscoveryChange[] {
    const before = this.#byKey.get(key);
    if (before !== undefined && isSame(before, worker)) return [];
    const left = before?.address === worker.address ? [] : this.delete(key);
    const entries = this.#byAddress.get(worker.address) ?? new Map<string, DiscoveredWorker>();
    const kind = entries.size > 0 ? "updated" : "added";
    entries.delete(key);
    entries.set(key, worker);
    this.#byAddress.set(worker.address, entries);
    this.#byKey.set(key, worker);
    return [...left, { kind, worker }];
  }

  /** An entry is gone. @returns what that changes. */
  delete(key: string): readonly DiscoveryChange[] {
    const before = this.#byKey.get(key);
    if (before === undefined) return [];
    this.#byKey.delete(key);
    const { address } = before;
    const entries = this.#byAddress.get(address)!;
    const held = last(entries) === before;
    entries.delete(key);
    const other = last(entries);
    if (other !== undefined) return held ? [{ kind: "updated", worker: other }] : [];
    this.#byAddress.delete(address);
    return [{ kind: "removed", address }];
  }

  /** These are all the entries. @returns what that changes. */
  replace(entries: ReadonlyMap<string, DiscoveredWorker>): readonly DiscoveryChange[] {
    const gone = [...this.#byKey.keys()].filter((key) => !entries.has(key));
    return [
      ...[...entries].flatMap(([key, worker]) => this.put(key, worker)),
      ...gone.flatMap((key) => this.delete(key)),
    ];
  }
}

function last(entries: ReadonlyMap<string, DiscoveredWorker>): DiscoveredWorker | undefined {
  return [...entries.values()].at(-1);
}

function isSame(one: DiscoveredWorker, other: DiscoveredWorker): boolean {
  return one.address === other.address && one.id === other.id && one.signed === other.signed &&
    one.expected === other.expected && JSON.stringify(one.tags) === JSON.stringify(other.tags);
}
