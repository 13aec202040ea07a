import type { Announcement, AnnouncementLease } from "./announcement.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { present } from "../values/mod.ts";

/** A discovery within this process, where workers announce themselves. */
export interface MemoryDiscovery extends Discovery {
  /** Announces a worker; see {@linkcode Discovery.announce}. */
  announce: NonNullable<Discovery["announce"]>;
}

/**
 * A discovery that lives in this process: what is announced to it is found by everyone who watches it. For
 * tests, and for several workers in one process.
 *
 * @param name What events call it, after `memory:`. Default: `announced`.
 */
export function memoryDiscovery(name = "announced"): MemoryDiscovery {
  const announced = new Map<string, Announcement>();
  const watchers = new Set<Watcher>();
  const publish = (change: DiscoveryChange) => {
    for (const watcher of watchers) watcher.add(change);
  };
  const put = (announcement: Announcement) => {
    const before = announced.get(announcement.id);
    announced.set(announcement.id, announcement);
    if (before !== undefined && before.address !== announcement.address) {
      publish({ kind: "removed", address: before.address });
    }
    const known = before?.address === announcement.address;
    publish({ kind: known ? "updated" : "added", worker: discovered(announcement) });
  };
  return {
    source: `memory:${name}`,
    namesWorkers: false,
    async *watch(signal) {
      const watcher = new Watcher(signal);
      for (const announcement of announced.values()) {
        watcher.add({ kind: "added", worker: discovered(announcement) });
      }
      watchers.add(watcher);
      try {
        yield watcher.take();
        while (await watcher.changed()) yield watcher.take();
      } finally {
        watchers.delete(watcher);
      }
    },
    announce(announcement, { signal }): Promise<AnnouncementLease> {
      if (signal.aborted) return Promise.reject(signal.reason);
      put(announcement);
      const { id } = announcement;
      return Promise.resolve({
        update: (next) => Promise.resolve(put({ ...next, id })),
        [Symbol.asyncDispose]() {
          const last = announced.get(id);
          if (announced.delete(id)) publish({ kind: "removed", address: last!.address });
          return Promise.resolve();
        },
      });
    },
  };
}

function discovered({ id, address, tags, signed }: Announcement): DiscoveredWorker {
  return { id, address, tags, ...present({ signed }) };
}

/** The changes that one watcher has not read yet. */
class Watcher {
  readonly #signal: AbortSignal;
  #changes: DiscoveryChange[] = [];
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  add(change: DiscoveryChange): void {
    this.#changes.push(change);
    this.#wake?.();
  }

  take(): readonly DiscoveryChange[] {
    const taken = this.#changes;
    this.#changes = [];
    return taken;
  }

  /** Waits for changes. @returns whether there are any; not once the signal has aborted. */
  async changed(): Promise<boolean> {
    while (this.#changes.length === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return !this.#signal.aborted;
  }
}
