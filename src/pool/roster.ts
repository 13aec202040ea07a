import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../discovery/mod.ts";
import { onAbort } from "../values/mod.ts";

/** The discovery of a pool's own workers: knows exactly those that are ready. */
export class Roster implements Discovery {
  readonly source = "spawned:";
  readonly namesWorkers = true;
  readonly #expectsMore: () => boolean;
  readonly #watchers = new Set<Watcher>();
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
    if (changes.length === 0) return;
    for (const watcher of this.#watchers) watcher.push(changes);
  }

  async *watch(
    signal: AbortSignal,
  ): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const watcher = new Watcher(difference([], this.#workers));
    using _abort = onAbort(signal, () => watcher.end());
    this.#watchers.add(watcher);
    try {
      while (!signal.aborted) {
        const changes = await watcher.next();
        if (changes === undefined) return;
        yield changes;
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}

/** One reader of the roster; changes that it has not read yet are joined into one batch. */
class Watcher {
  #batch: readonly DiscoveryChange[] | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(first: readonly DiscoveryChange[]) {
    this.#batch = first;
  }

  push(changes: readonly DiscoveryChange[]): void {
    this.#batch = [...(this.#batch ?? []), ...changes];
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<readonly DiscoveryChange[] | undefined> {
    while (this.#batch === undefined) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const batch = this.#batch;
    this.#batch = undefined;
    return batch;
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
