import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type AnyRoutine, isRoutine } from "../contract/mod.ts";
import { unusable } from "../errors/mod.ts";
import { loggerFor } from "../observe/mod.ts";
import { type RoutineSource, RoutineTable } from "../routine/mod.ts";
import type { WorkerServerOptions } from "./options.ts";
import { messageOf } from "../values/mod.ts";

/** The routines of a worker. */
export interface LoadedRoutines {
  readonly table: RoutineTable;
  /** Whether one of them is to run in a thread. */
  readonly threaded: boolean;
}

/**
 * Loads a worker's modules and gathers its routines.
 *
 * @throws {ConfigurationError} If a module cannot be loaded, two routines have one name, one has no
 * implementation, or one is to run in a thread and comes from no module that a thread could load.
 */
export async function loadRoutines(
  { modules = [], routines = {} }: Pick<WorkerServerOptions, "modules" | "routines">,
): Promise<LoadedRoutines> {
  const given = { origin: "routines", exports: routines as Readonly<Record<string, unknown>> };
  const loaded = await Promise.all(modules.map(load));
  for (const { origin, exports } of loaded) {
    if (Object.values(exports).some(isRoutine)) continue;
    loggerFor("worker").warn(
      "the module {module} exports no routine, so that nothing of it is served; export what " +
        "routine(), duplexRoutine() or implement() returns",
      { module: origin },
    );
  }
  const table = new RoutineTable([...loaded, given]);
  const threaded = loaded.flatMap(threadRoutines);
  const strays = threadRoutines(given).filter((name) => !threaded.includes(name));
  if (strays.length > 0) {
    throw unusable(
      "routines",
      `${
        strays.join(", ")
      } is declared with run: "thread", and a thread has to load it: name its ` +
        'module in modules, such as new URL("./routines.ts", import.meta.url)',
    );
  }
  return { table, threaded: threaded.length > 0 };
}

function threadRoutines({ exports }: RoutineSource): string[] {
  return Object.values(exports)
    .filter((value) => isRoutine(value) && value.options.run === "thread")
    .map((routine) => (routine as AnyRoutine).name);
}

async function load(module: string | URL): Promise<RoutineSource> {
  const origin = String(module);
  try {
    return { origin, exports: await import(specifierOf(module)) };
  } catch (cause) {
    const message = messageOf(cause);
    throw unusable("modules", `the module ${origin} cannot be loaded: ${message}`, cause);
  }
}

/** A URL as it is; a path as seen from the current folder. */
export function specifierOf(module: string | URL): string {
  const text = String(module);
  if (isAbsolute(text)) return pathToFileURL(text).href;
  return /^[a-z][a-z0-9+.-]+:/i.test(text) ? text : pathToFileURL(resolve(text)).href;
}
