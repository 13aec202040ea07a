import { watch } from "node:fs";
import { join } from "node:path";
import { runsOnDeno } from "./runtime.ts";

/** A change in a watched folder, or of the folder itself. */
export interface FolderChange {
  /** `access` where something was only opened or closed, `remove` where it is gone. */
  readonly kind: string;
  /** The entries concerned, absolute; empty where the platform does not say which. */
  readonly paths: readonly string[];
}

/** The changes of a folder, until it is closed. */
export interface FolderChanges extends AsyncIterable<FolderChange> {
  /** Ends the changes. */
  close(): void;
}

/**
 * Watches a folder's entries, and not those of the folders in it.
 *
 * @param path The folder, absolute and free of symbolic links.
 * @throws where it is not there, may not be read, or the system has no more watches.
 */
export function watchFolder(path: string): FolderChanges {
  return runsOnDeno ? Deno.watchFs(path, { recursive: false }) : watchOnNode(path);
}

/** Changes kept for a reader that is busy; what is beyond them is one change without paths. */
const KEPT = 64;

function watchOnNode(path: string): FolderChanges {
  const changes: FolderChange[] = [];
  let wake = (): void => {};
  let isClosed = false;
  const add = (change: FolderChange): void => {
    if (changes.length < KEPT) changes.push(change);
    else changes[KEPT - 1] = { kind: "any", paths: [] };
    wake();
  };
  const watcher = watch(path, { persistent: true }, (kind, name) => {
    add({ kind, paths: name === null ? [] : [join(path, name)] });
  });
  const close = (): void => {
    isClosed = true;
    watcher.close();
    wake();
  };
  // The folder went away.
  watcher.on("error", () => {
    add({ kind: "remove", paths: [path] });
    close();
  });
  async function* iterate(): AsyncGenerator<FolderChange> {
    for (;;) {
      const change = changes.shift();
      if (change !== undefined) yield change;
      else if (isClosed) return;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  }
  return { close, [Symbol.asyncIterator]: iterate };
}
