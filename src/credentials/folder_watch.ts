import { dirname, join, parse, resolve, sep } from "node:path";

/** As many symbolic links as Linux follows in one path. */
const LINKS_LIMIT = 40;

/**
 * Watches everything that can change what some paths lead to: the folders that hold the files, the
 * folders of every symbolic link on the way, and where a folder is missing, the nearest one that
 * exists.
 */
export class FolderWatch implements AsyncDisposable {
  readonly #changed: () => void;
  #watcher: Deno.FsWatcher | undefined;
  #listening: Promise<void> = Promise.resolve();
  #key = "";
  #route: Route = emptyRoute();

  /** Calls `changed` whenever something changes that the paths may depend on. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /**
   * Watches what these paths depend on now, and no longer what they did before.
   *
   * @returns Whether all of it can be watched; otherwise changes have to be looked for.
   */
  async follow(paths: readonly string[]): Promise<boolean> {
    const route = emptyRoute();
    for (const path of paths) await trace(resolve(path), route);
    this.#route = route;
    const key = await identify(route.folders);
    if (key !== this.#key || this.#watcher === undefined) {
      this.#key = key;
      await this[Symbol.asyncDispose]();
      this.#open([...route.folders]);
    }
    return route.complete && this.#watcher !== undefined;
  }

  /** Stops watching. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    this.#watcher = undefined;
    // The platform lets go of a folder only when the reading has ended; a watch opened on the same
    // path before then would stay silent.
    await this.#listening;
  }

  #open(folders: readonly string[]): void {
    if (folders.length === 0) return;
    try {
      this.#watcher = Deno.watchFs([...folders], { recursive: false });
    } catch {
      // No permission, no more watches to be had, or gone in the meantime: `follow` says so.
      return;
    }
    this.#listening = this.#listen(this.#watcher);
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      if (kind === "access") continue;
      const { folders, entries } = this.#route;
      if (paths.length > 0 && !paths.some((path) => entries.has(path))) continue;
      // The watch ended with the folder, though another may already bear its name and inode.
      if (kind === "remove" && paths.some((path) => folders.has(path))) this.#key = "";
      this.#changed();
    }
  }
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
    const found = await look(next);
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
async function look(path: string): Promise<Found> {
  // Looking without asking first would prompt a person at a terminal.
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") return { kind: "plain" };
  try {
    const { isSymlink } = await Deno.lstat(path);
    return isSymlink ? { kind: "link", target: await Deno.readLink(path) } : { kind: "plain" };
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? { kind: "plain" } : { kind: "missing" };
  }
}

/** Tells folders from others that later come to bear their names. */
async function identify(folders: ReadonlySet<string>): Promise<string> {
  const keys: string[] = [];
  for (const folder of folders) {
    const stat = await Deno.stat(folder).catch(() => undefined);
    keys.push(`${folder}\0${stat?.dev}\0${stat?.ino}`);
  }
  return keys.join("\0\0");
}
