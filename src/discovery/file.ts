import { stat } from "node:fs/promises";
import { type Clock, pause, systemClock } from "../observe/mod.ts";
import { readTextFile } from "../platform/mod.ts";
import { announcedWorker } from "./announcement_text.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { KnownWorkers, MAX_ENTRIES } from "./known_workers.ts";
import { invalid } from "./setting.ts";

/** How a file is followed. */
export interface FileDiscoveryOptions {
  /**
   * How often to look whether it is another one, in milliseconds: by its metadata, which is what also works
   * where a folder is deleted and made again, and on network file systems. Default 1,000.
   */
  readonly refreshMs?: number | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A larger file is not read, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The workers that a file lists, which may be replaced while it is followed, as Kubernetes replaces a mounted
 * ConfigMap. It holds JSON: a list of workers, each an address or an object with `address` and, where they are
 * known, `id` and `tags`; or an object with that list as `workers`. A file that is missing or cannot be read
 * leaves those that are known in use; an empty list does not.
 *
 * @param path Where it is.
 * @throws {ConfigurationError} If the path is empty.
 */
export function fileDiscovery(path: string, options: FileDiscoveryOptions = {}): Discovery {
  if (path === "") {
    throw invalid("file discovery needs the path of a file, file:PATH");
  }
  const { refreshMs = 1_000, clock = systemClock } = options;
  async function* watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    const known = new KnownWorkers();
    let version: string | undefined;
    let failure: string | undefined;
    while (!signal.aborted) {
      try {
        const now = await versionOf(path);
        if (now !== version) {
          const workers = await read(path);
          if (signal.aborted) return;
          const changes = known.replace(workers);
          if (version === undefined || failure !== undefined || changes.length > 0) yield changes;
          [version, failure] = [now, undefined];
        }
      } catch (error) {
        if (signal.aborted) return;
        const message = `${path}: ${(error as Error).message}`;
        if (message !== failure) yield [{ kind: "failed", message }];
        // It is read again although it may be the one that was read last.
        [version, failure] = [version === undefined ? undefined : "", message];
      }
      await pause(clock, refreshMs, signal);
    }
  }
  return { source: `file:${path}`, namesWorkers: false, watch };
}

/** What changes whenever the file is replaced or written. */
async function versionOf(path: string): Promise<string> {
  const found = await stat(path).catch((cause) => {
    throw cause.code === "ENOENT" ? new Error("it does not exist", { cause }) : cause;
  });
  const { ino, mtimeMs, ctimeMs, size } = found;
  return [ino, mtimeMs, ctimeMs, size].join();
}

async function read(path: string): Promise<ReadonlyMap<string, DiscoveredWorker>> {
  const parsed: unknown = JSON.parse(await readTextFile(path, MAX_BYTES));
  const list = Array.isArray(parsed)
    ? parsed
    : (parsed as { readonly workers?: unknown } | null)?.workers;
  if (!Array.isArray(list)) throw new Error("it holds no list of workers");
  if (list.length > MAX_ENTRIES) throw new Error(`it lists more than ${MAX_ENTRIES} workers`);
  const workers = list.map((entry: unknown, at) => {
    try {
      return announcedWorker(typeof entry === "string" ? { address: entry } : entry);
    } catch (error) {
      throw new Error(`worker ${at + 1} of ${list.length}: ${(error as Error).message}`);
    }
  });
  return new Map(workers.map((worker) => [worker.address, worker]));
}
