import { type FolderChange, type FolderChanges, watchFolder } from "../../platform/mod.ts";

/** Called with what has changed; with nothing where changes may have been missed. */
export type FolderListener = (event: FolderChange | undefined) => void;

const folders = new Map<string, SharedFolder>();

/**
 * Watches a folder for a listener, together with every other listener of this process: where two watches of the
 * platform stand on one path, and the folder is deleted and made again, neither reports anything any more.
 *
 * @param path The folder, free of symbolic links.
 * @param identity What distinguishes the folder from another that later has its path; a change opens a new watch.
 * @returns Whether it is watched; otherwise changes have to be looked for.
 */
export async function joinFolder(
  path: string,
  identity: string,
  listener: FolderListener,
): Promise<boolean> {
  const folder = folders.get(path) ?? new SharedFolder(path);
  folders.set(path, folder);
  return await folder.join(listener, identity);
}

/** Ends what {@linkcode joinFolder} began. */
export async function leaveFolder(path: string, listener: FolderListener): Promise<void> {
  await folders.get(path)?.leave(listener);
}

/** The one watch of a folder: opened for its first listener, closed with the last. */
class SharedFolder {
  readonly #path: string;
  readonly #listeners = new Set<FolderListener>();
  #watcher: FolderChanges | undefined;
  #identity = "";
  /** Settles when the platform has let go of the watch before. */
  #listening: Promise<void> = Promise.resolve();
  /** Opening and closing take turns. */
  #turn: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async join(listener: FolderListener, identity: string): Promise<boolean> {
    this.#listeners.add(listener);
    await this.#inTurn(() => this.#open(identity, listener));
    return this.#watcher !== undefined;
  }

  async leave(listener: FolderListener): Promise<void> {
    this.#listeners.delete(listener);
    await this.#inTurn(async () => {
      if (this.#listeners.size > 0) return;
      await this.#close();
      if (this.#listeners.size === 0) folders.delete(this.#path);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }

  async #open(identity: string, joining: FolderListener): Promise<void> {
    if (this.#watcher !== undefined && identity === this.#identity) return;
    await this.#close();
    if (this.#listeners.size === 0) return;
    try {
      this.#watcher = watchFolder(this.#path);
    } catch {
      // No permission, no more watches to be had, or gone in the meantime: `join` says so.
      return;
    }
    this.#identity = identity;
    this.#listening = this.#listen(this.#watcher);
    // What happened since the watch before has ended was reported to none of the others.
    for (const listener of this.#listeners) if (listener !== joining) listener(undefined);
  }

  async #close(): Promise<void> {
    if (this.#watcher === undefined) return;
    this.#watcher.close();
    this.#watcher = undefined;
    await this.#listening;
    // The platform lets go of a folder a turn after the reading has ended; a watch that is opened on the same
    // path before then stays silent.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }

  async #listen(watcher: FolderChanges): Promise<void> {
    for await (const event of watcher) {
      // The watch ended with the folder, though another may already have its name and inode.
      if (event.kind === "remove" && event.paths.includes(this.#path)) this.#identity = "";
      for (const listener of [...this.#listeners]) listener(event);
    }
  }
}
