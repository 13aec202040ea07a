import { unusable } from "../../errors/mod.ts";

/** Shared by every copy of the package in this thread. */
const LOADING = Symbol.for("selvage.module-load");

/**
 * Marks this thread as one that only exists to load modules and serve their routines, until the
 * result is disposed of.
 *
 * @param place Where it is, for the error: `a worker of a pool`, for instance.
 */
export function beginModuleLoad(place: string): Disposable {
  const scope = globalThis as { [LOADING]?: string };
  scope[LOADING] = place;
  return { [Symbol.dispose]: () => void delete scope[LOADING] };
}

/**
 * Refuses to open what would load the same modules again, in another process or thread which would
 * do the same without end.
 *
 * @param what What was to be opened, `WorkerPool.open` for instance.
 * @throws {ConfigurationError} While the modules of a spawned worker or of a thread load.
 */
export function refuseDuringModuleLoad(what: string): void {
  const place = (globalThis as { readonly [LOADING]?: string })[LOADING];
  if (place === undefined) return;
  throw unusable(
    "modules",
    `${what} was called while ${place} loads this module, which would start the same again and ` +
      "again; put it behind `if (import.meta.main)`, or the routines in a module of their own",
  );
}
