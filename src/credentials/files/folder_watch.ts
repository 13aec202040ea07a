import { lstat, readlink, stat } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";
import { type FolderChange, isForbidden, mayRead } from "../../platform/mod.ts";
import { joinFolder, leaveFolder } from "./shared_folder.ts";

/** As many symbolic links as Linux follows in one path. */
const LINKS_LIMIT = 40;

/**
 * Watches everything that can change what some paths lead to: the folders that hold the files, the
 * folders of every symbolic link on the way, and where a folder is missing, the nearest one that
 * exists.
 */
export class FolderWatch implements AsyncDisposable {
  readonly #changed: () => void;
  /** The folders that are watched, and whether that succeeded. */
  readonly #folders = new Map<string, boolean>();
  #route: Route = emptyRoute();

  /** Calls `changed` whenever something changes that the paths may depend on. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /**
   * Watches what these paths depend on now, and no longer what they did before. Returns whether all of it can be
   * watched; otherwise changes have to be looked for.
   */
  async follow(paths: readonly string[]): Promise<boolean> {
    const route = emptyRoute();
    for (const path of paths) await trace(resolve(path), route);
    this.#route = route;
    for (const folder of [...this.#folders.keys()]) {
      if (!route.folders.has(folder)) await this.#leave(folder);
    }
    for (const folder of route.folders) {
      this.#folders.set(folder, await joinFolder(folder, await identify(folder), this.#onEvent));
    }
    return route.complete && this.#folders.size > 0 && [...this.#folders.values()].every(Boolean);
  }

  /** Stops watching. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of [...this.#folders.keys()]) await this.#leave(folder);
  }

  async #leave(folder: string): Promise<void> {
    this.#folders.delete(folder);
    await leaveFolder(folder, this.#onEvent);
  }

  readonly #onEvent = (event: FolderChange | undefined): void => {
    if (event?.kind === "access") return;
    const paths = event?.paths ?? [];
    if (paths.length > 0 && !paths.some((path) => this.#route.entries.has(path))) return;
    this.#changed();
  };
}

/** What was found on the way along some paths. */
interface Route {
  /** Folders to watch, free of symbolic links. */
  readonly folders: Set<string>;
  /** The entries of those folders that matter, and the folders themselves. */
  readonly entries: Set<string>;
  /** Whether every path leads to a file. */
  complete: boolean;
}

function emptyRoute(): Route {
  return { folders: new Set(), entries: new Set(), complete: true };
}

/** Walks a path as the system does, noting where a change would lead it elsewhere. */
async function trace(path: string, route: Route): Promise<void> {
  let at = parse(path).root;
  let links = 0;
  const rest = steps(path.slice(at.length));
  for (let step = rest.shift(); step !== undefined; step = rest.shift()) {
    if (step === "..") {
      at = dirname(at);
      continue;
    }
    const next = join(at, step);
    const found = await entryAt(next);
    if (found.kind !== "plain" || rest.length === 0) note(at, next, route);
    if (found.kind === "missing" || links > LINKS_LIMIT) {
      route.complete = false;
      return;
    }
    if (found.kind === "link") {
      links += 1;
      const { root } = parse(found.target);
      if (root !== "") at = root;
      rest.unshift(...steps(found.target.slice(root.length)));
    } else {
      at = next;
    }
  }
}

function steps(path: string): string[] {
  return path.split(sep).filter((step) => step !== "" && step !== ".");
}

function note(folder: string, entry: string, route: Route): void {
  route.folders.add(folder);
  route.entries.add(folder).add(entry);
}

type Found =
  | { readonly kind: "missing" }
  | { readonly kind: "plain" }
  | { readonly kind: "link"; readonly target: string };

/** What a path is. A folder that we may not look at is taken for a plain one. */
async function entryAt(path: string): Promise<Found> {
  // Looking without asking first would prompt a person at a terminal.
  if (!await mayRead(path)) return { kind: "plain" };
  try {
    const isLink = (await lstat(path)).isSymbolicLink();
    return isLink ? { kind: "link", target: await readlink(path) } : { kind: "plain" };
  } catch (error) {
    return isForbidden(error) ? { kind: "plain" } : { kind: "missing" };
  }
}

/** Distinguishes a folder from another that later has its path. */
async function identify(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  return `${found?.dev} ${found?.ino} ${found?.birthtime.getTime()}`;
}
