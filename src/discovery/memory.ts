import type { Announcement, AnnouncementLease } from "./announcement.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
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
  const announced = new Map<string, Announcement>();
  const watchers = new Watchers();
  const put = (announcement: Announcement) => {
    const before = announced.get(announcement.id);
    announced.set(announcement.id, announcement);
    if (before !== undefined && before.address !== announcement.address) {
      watchers.push({ kind: "removed", address: before.address });
    }
    const known = before?.address === announcement.address;
    watchers.push({ kind: known ? "updated" : "added", worker: discovered(announcement) });
  };
  return {
    source: `memory:${name}`,
    namesWorkers: false,
    watch: (signal) => watchers.watch(() => [...announced.values()].map(added), signal),
    announce(announcement, { signal }): Promise<AnnouncementLease> {
      if (signal.aborted) return Promise.reject(signal.reason);
      put(announcement);
      const { id } = announcement;
      return Promise.resolve({
        update: (next) => Promise.resolve(put({ ...next, id })),
        [Symbol.asyncDispose]() {
          const last = announced.get(id);
          if (announced.delete(id)) watchers.push({ kind: "removed", address: last!.address });
          return Promise.resolve();
        },
      });
    },
  };
}

function added(announcement: Announcement): DiscoveryChange {
  return { kind: "added", worker: discovered(announcement) };
}

function discovered({ id, address, tags, signed }: Announcement): DiscoveredWorker {
  return { id, address, tags, ...present({ signed }) };
}
