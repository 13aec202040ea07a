import { runsOnDeno } from "../platform/mod.ts";

/** The file descriptors that a process is taken to have where it may not read how many it has. */
export const ASSUMED_DESCRIPTORS = 1_024;
/** What stands for no limit: what Linux allows a process by default (`fs.nr_open`). */
const MOST_DESCRIPTORS = 1_048_576;

/**
 * How many files this process may have open. Only a process with all permissions may read that; for another
 * one it is {@linkcode ASSUMED_DESCRIPTORS}.
 */
export function openFileLimit(): number {
  if (!runsOnDeno) return ASSUMED_DESCRIPTORS;
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") return ASSUMED_DESCRIPTORS;
  let text: string;
  try {
    text = Deno.readTextFileSync("/proc/self/limits");
  } catch {
    // Not all permissions, or not Linux.
    return ASSUMED_DESCRIPTORS;
  }
  const soft = /^Max open files +(\d+|unlimited)/m.exec(text)?.[1];
  if (soft === undefined) return ASSUMED_DESCRIPTORS;
  return soft === "unlimited" ? MOST_DESCRIPTORS : Number(soft);
}

let prepared = false;

/**
 * Has the platform set up its handling of signals, which it does when that is first needed and which takes file
 * descriptors: a process that has run out of them by then ends. Without effect from the second call on.
 */
export function prepareForScarcity(): void {
  // Other platforms, on which callers may run, need not be prepared.
  if (prepared || typeof Deno === "undefined") return;
  prepared = true;
  const ignore = () => {};
  Deno.addSignalListener("SIGWINCH", ignore);
  Deno.removeSignalListener("SIGWINCH", ignore);
}
