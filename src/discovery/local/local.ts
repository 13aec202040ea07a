import { readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { escapePeerText } from "../../errors/mod.ts";
import { type Clock, pause, systemClock } from "../../observe/mod.ts";
import { isMissing, readTextFile } from "../../platform/mod.ts";
import type { Announcement, AnnouncementLease, AnnounceOptions } from "../announcement.ts";
import { announcementText, readAnnouncement } from "../announcement_text.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../discovery.ts";
import { KnownWorkers } from "../known_workers.ts";
import { openFolder, registryFolder } from "./registry_folder.ts";

/** Where the registry is, and how it is followed. */
export interface LocalDiscoveryOptions {
  /**
   * The folder that holds the namespaces; it must be of this user alone. Default: `selvage` in
   * `$XDG_RUNTIME_DIR`, else `/tmp/selvage-UID`.
   */
  readonly root?: string | undefined;
  /** How often to look for changes, in milliseconds. Default 500. */
  readonly refreshMs?: number | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A discovery where workers announce themselves. */
export interface LocalDiscovery extends Discovery {
  /** Announces a worker; see {@linkcode Discovery.announce}. Its lease is 15 s unless it says otherwise. */
  announce: NonNullable<Discovery["announce"]>;
}

const LEASE_MS = 15_000;

/** Times that an announcement is refreshed within its lease. */
const REFRESHES = 3;

/** More entries than this, or larger ones, are not read. */
const MAX_ENTRIES = 10_000;
const MAX_ENTRY_BYTES = 256 * 1024;

const ENTRY = /^entry-(\d+)-.*\.json$/;

/**
 * The workers of one user on this machine, in several processes: each keeps a file in a folder that nobody
 * else can enter, and refreshes it. The file of a process that has died is swept when its lease is over.
 *
 * @param namespace Which workers belong together.
 * @throws {ConfigurationError} If that is no name.
 */
export function localDiscovery(
  namespace: string,
  options: LocalDiscoveryOptions = {},
): LocalDiscovery {
  const folder = registryFolder(namespace, options.root);
  const { refreshMs = 500, clock = systemClock } = options;
  return {
    source: `local:${namespace}`,
    namesWorkers: false,
    watch: (signal) => watch(folder, refreshMs, clock, signal),
    announce: (announcement, announce) => Entry.announce(folder, announcement, announce, clock),
  };
}

async function* watch(
  folder: string,
  refreshMs: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
  const known = new KnownWorkers();
  const entries = new Entries(folder, clock);
  let failure: string | undefined;
  for (let first = true; !signal.aborted; first = false) {
    try {
      await openFolder(folder);
      const { workers, rejected } = await entries.read();
      if (signal.aborted) return;
      const changes = [...known.replace(workers), ...rejected];
      if (first || failure !== undefined || changes.length > 0) yield changes;
      failure = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const { message } = error as Error;
      if (message !== failure) yield [{ kind: "failed", message }];
      failure = message;
    }
    await pause(clock, refreshMs, signal);
  }
}

/** An entry as it was read. */
interface ReadEntry {
  readonly version: string;
  /** Absent where it cannot be read. */
  readonly worker: DiscoveredWorker | undefined;
}

/** The entries of a folder; each is read when it is new or another one. */
class Entries {
  readonly #folder: string;
  readonly #clock: Clock;
  /** By file. */
  #read: ReadonlyMap<string, ReadEntry> = new Map();

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async read() {
    const rejected: DiscoveryChange[] = [];
    const names = (await readdir(this.#folder)).filter((name) => ENTRY.test(name));
    const read = new Map<string, ReadEntry>();
    for (const name of names.sort().slice(0, MAX_ENTRIES)) {
      const entry = await this.#entry(name, rejected);
      if (entry !== undefined) read.set(name, entry);
    }
    this.#read = read;
    const workers = [...read].flatMap(([name, { worker }]) =>
      worker === undefined ? [] : [[name, worker] as const]
    );
    return { workers: new Map(workers), rejected };
  }

  async #entry(name: string, rejected: DiscoveryChange[]) {
    const path = `${this.#folder}/${name}`;
    try {
      const found = await stat(path);
      const { mtimeMs, birthtimeMs, ino, size } = found;
      const leaseMs = Number(ENTRY.exec(name)![1]);
      // What is not a file is nobody's announcement, and stays.
      if (found.isFile() && this.#clock.now() - mtimeMs > leaseMs) {
        await rm(path, { force: true });
        return undefined;
      }
      // Refreshing changes the time of its last change; replacing makes it another file.
      const version = `${ino} ${birthtimeMs} ${size}`;
      const before = this.#read.get(name);
      if (before?.version === version) return before;
      return { version, worker: await this.#worker(path, rejected) };
    } catch (error) {
      // Withdrawn in between.
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #worker(
    path: string,
    rejected: DiscoveryChange[],
  ): Promise<DiscoveredWorker | undefined> {
    try {
      return readAnnouncement(await readTextFile(path, MAX_ENTRY_BYTES));
    } catch (error) {
      if (isMissing(error)) throw error;
      const message = `${path} is no announcement: ${(error as Error).message}`;
      rejected.push({ kind: "rejected", message: escapePeerText(message) });
      return undefined;
    }
  }
}

/** One announcement: a file that is refreshed. */
class Entry implements AnnouncementLease {
  readonly #folder: string;
  readonly #path: string;
  readonly #id: string;
  readonly #over = new AbortController();
  #announcement: Announcement;
  #kept: Promise<void> | undefined;

  private constructor(folder: string, announcement: Announcement, leaseMs: number) {
    this.#folder = folder;
    this.#announcement = announcement;
    this.#id = announcement.id;
    this.#path = `${folder}/entry-${leaseMs}-${fileName(announcement.id)}.json`;
  }

  static async announce(
    folder: string,
    announcement: Announcement,
    { signal, leaseMs = LEASE_MS, onFailure = () => {} }: AnnounceOptions,
    clock: Clock,
  ): Promise<Entry> {
    signal.throwIfAborted();
    const wholeMs = Math.max(1, Math.ceil(leaseMs));
    const entry = new Entry(folder, announcement, wholeMs);
    await entry.#write();
    entry.#kept = entry.#keep(wholeMs, onFailure, clock);
    return entry;
  }

  async update(announcement: Announcement): Promise<void> {
    this.#announcement = { ...announcement, id: this.#id };
    await this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#kept;
    // A file that stays is swept when its lease is over.
    await rm(this.#path, { force: true }).catch(() => {});
  }

  /** Readers see the former file or the new one, never a part. */
  async #write(): Promise<void> {
    await openFolder(this.#folder);
    const draft = `${this.#folder}/draft-${crypto.randomUUID()}`;
    try {
      await writeFile(draft, announcementText(this.#announcement), { mode: 0o600, flag: "wx" });
      await rename(draft, this.#path);
    } catch (error) {
      // Where there is no room, each attempt would leave one.
      await rm(draft, { force: true }).catch(() => {});
      throw error;
    }
  }

  async #keep(leaseMs: number, onFailure: (message: string) => void, clock: Clock): Promise<void> {
    const { signal } = this.#over;
    let failing = false;
    for (;;) {
      await pause(clock, leaseMs / REFRESHES, signal);
      if (signal.aborted) return;
      try {
        await this.#refresh(new Date(clock.now()));
        failing = false;
      } catch (error) {
        if (!failing) onFailure((error as Error).message);
        failing = true;
      }
    }
  }

  /** The file is written again: its deletion, or that of its folder, was not meant for this worker. */
  async #refresh(now: Date): Promise<void> {
    try {
      await utimes(this.#path, now, now);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#write();
    }
  }
}

/** An id as a part of a file's name: unlike that of any other id. */
function fileName(id: string): string {
  const plain = encodeURIComponent(id).replaceAll("%", "+");
  if (plain.length <= 128) return plain;
  let hash = 14695981039346656037n;
  for (const byte of new TextEncoder().encode(id)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1099511628211n);
  }
  return `${plain.slice(0, 96)}-${hash.toString(36)}`;
}
