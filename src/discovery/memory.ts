import type { Announcement, AnnouncementLease } from "./announcement.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { KnownWorkers } from "./known_workers.ts";
import { present } from "../values/mod.ts";
import { Watchers } from "./watchers.ts";

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
  const announced = new Map<string, { readonly worker: DiscoveredWorker; readonly by: symbol }>();
  const known = new KnownWorkers();
  const watchers = new Watchers();
  const put = (announcement: Announcement, by: symbol) => {
    const { id } = announcement;
    const worker = discovered(announcement);
    // Of two at one address the one that was announced last holds, also for those who watch from now on.
    announced.delete(id);
    announced.set(id, { worker, by });
    const changes = known.put(id, worker);
    // One that is announced again as it was is reported again.
    watchers.push(...changes.length > 0 ? changes : [{ kind: "updated" as const, worker }]);
  };
  return {
    source: `memory:${name}`,
    namesWorkers: false,
    watch: (signal) => watchers.watch(() => [...announced.values()].map(added), signal),
    announce(announcement, { signal }): Promise<AnnouncementLease> {
      if (signal.aborted) return Promise.reject(signal.reason);
      const by = Symbol();
      put(announcement, by);
      const { id } = announcement;
      return Promise.resolve({
        update: (next) => Promise.resolve(put({ ...next, id }, by)),
        [Symbol.asyncDispose]() {
          // Another worker of this id may have been announced since.
          if (announced.get(id)?.by === by) {
            announced.delete(id);
            watchers.push(...known.delete(id));
          }
          return Promise.resolve();
        },
      });
    },
  };
}

function added({ worker }: { readonly worker: DiscoveredWorker }): DiscoveryChange {
  return { kind: "added", worker };
}

function discovered({ id, address, tags, signed }: Announcement): DiscoveredWorker {
  return { id, address, tags, ...present({ signed }) };
}
