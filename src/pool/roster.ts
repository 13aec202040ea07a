import {
  type DiscoveredWorker,
  type Discovery,
  type DiscoveryChange,
  Watchers,
} from "../discovery/mod.ts";

/** The discovery of a pool's own workers: knows exactly those that are ready. */
export class Roster implements Discovery {
  readonly source = "spawned:";
  readonly namesWorkers = true;
  readonly #expectsMore: () => boolean;
  readonly #watchers = new Watchers();
  #workers: readonly DiscoveredWorker[] = [];

  /** @param expectsMore whether a worker is being started now. */
  constructor(expectsMore: () => boolean = () => false) {
    this.#expectsMore = expectsMore;
  }

  get expectsMore(): boolean {
    return this.#expectsMore();
  }

  /** Reports to every watcher what has changed since the last time. */
  set(workers: readonly DiscoveredWorker[]): void {
    const changes = difference(this.#workers, workers);
    this.#workers = workers;
    if (changes.length > 0) this.#watchers.push(...changes);
  }

  watch(signal: AbortSignal): ReturnType<Watchers["watch"]> {
    return this.#watchers.watch(() => difference([], this.#workers), signal);
  }
}

/** A port that a new worker has taken over from an ended one is another worker. */
function difference(
  before: readonly DiscoveredWorker[],
  after: readonly DiscoveredWorker[],
): readonly DiscoveryChange[] {
  const known = new Set(before.map(({ expected }) => expected));
  const kept = new Set(after.map(({ expected }) => expected));
  return [
    ...before.filter(({ expected }) => !kept.has(expected))
      .map(({ address }): DiscoveryChange => ({ kind: "removed", address })),
    ...after.filter(({ expected }) => !known.has(expected))
      .map((worker): DiscoveryChange => ({ kind: "added", worker })),
  ];
}
