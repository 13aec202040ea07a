import { RoutineError, SelvageError } from "../../errors/mod.ts";

/**
 * Makes the error that a caller gets for what a routine threw.
 *
 * @param routine The routine.
 * @param thrown What it threw.
 * @param sendStack Whether its stack may travel.
 * @returns The error. One of ours becomes the `cause`, so that it is not mistaken for the failure of
 * this call.
 */
export function routineError(
  routine: string,
  thrown: unknown,
  sendStack: boolean = false,
): RoutineError {
  if (!(thrown instanceof Error)) {
    return new RoutineError(routine, {
      remoteName: "Error",
      message: "the routine threw what is no error",
      data: {},
      cause: thrown,
    });
  }
  const ours = thrown instanceof SelvageError;
  return new RoutineError(routine, {
    remoteName: String(thrown.name),
    message: String(thrown.message),
    data: ours ? {} : Object.fromEntries(propertiesOf(thrown)),
    ...(ours ? { cause: thrown } : "cause" in thrown ? { cause: thrown.cause } : {}),
    ...(sendStack && thrown.stack !== undefined ? { remoteStack: String(thrown.stack) } : {}),
  });
}

/** What every error has, and what therefore is no data of its own. */
const COMMON: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "__proto__"]);

/** The enumerable properties of an error that are its own; one that throws when read is left out. */
export function propertiesOf(error: object): [string, unknown][] {
  return Object.keys(error).filter((key) => !COMMON.has(key)).flatMap((key) => {
    try {
      return [[key, (error as Record<string, unknown>)[key]]];
    } catch {
      return [];
    }
  });
}
