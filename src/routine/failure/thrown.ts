import { RoutineError, SelvageError } from "../../errors/mod.ts";
import { present } from "../../values/mod.ts";

/** What of a thrown error may travel besides its name, message and causes. */
export interface SentOfThrown {
  /** Its stack. Default: `false`. */
  readonly sendStack?: boolean | undefined;
  /** Everything that is enumerable of it and of its causes. Default: `code`, `errno` and `status`. */
  readonly sendErrorData?: boolean | undefined;
}

/**
 * Makes the error that a caller gets for what a routine threw. Never throws itself, whatever getters
 * and traps the thrown value has. One of ours becomes the `cause`, so that it is not mistaken for the failure of
 * this call.
 */
export function routineError(
  routine: string,
  thrown: unknown,
  sent: SentOfThrown = {},
): RoutineError {
  const error = routineErrorOf(routine, thrown, sent);
  originals.set(error, thrown);
  return error;
}

/** What a routine threw that an error was made of; any other error is itself. */
export function thrownOriginally(error: unknown): unknown {
  return isObject(error) && originals.has(error) ? originals.get(error) : error;
}

/**
 * The same error, of what a routine threw in a thread, without its stack, which must not travel: it stays for the log
 * of the worker.
 */
export function keepStackHere(error: RoutineError): RoutineError {
  const { routine, remoteName, message, data, cause, remoteStack } = error;
  const sent = new RoutineError(routine, {
    remoteName,
    message,
    data,
    ...present({ cause }),
  });
  const declared = isOurs(cause) && cause.name === remoteName;
  originals.set(sent, declared ? cause : { name: remoteName, message, stack: remoteStack });
  return sent;
}

/** For the log of the worker: the caller's error has no stack of it. */
const originals = new WeakMap<object, unknown>();

function routineErrorOf(routine: string, thrown: unknown, sent: SentOfThrown): RoutineError {
  if (sent.sendErrorData) sendAllData(thrown);
  if (!isError(thrown)) {
    return new RoutineError(routine, {
      remoteName: "Error",
      message: "the routine threw what is no error",
      data: {},
      cause: thrown,
    });
  }
  const ours = isOurs(thrown);
  const cause = ours ? thrown : read(thrown, "cause");
  const stack = sent.sendStack ? read(thrown, "stack") : undefined;
  return new RoutineError(routine, {
    remoteName: textOf(thrown, "name"),
    message: textOf(thrown, "message"),
    data: ours ? dataOnPurpose(thrown) : Object.fromEntries(propertiesOf(thrown)),
    ...present({ cause }),
    ...(typeof stack === "string" ? { remoteStack: stack } : {}),
  });
}

/** What every error has, and what therefore is no data of its own. */
const COMMON: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "__proto__"]);

/** What tells errors apart and is no secret; all else may be anything, a request or a connection. */
const ALWAYS_SENT: readonly string[] = ["code", "errno", "status"];

/** Thrown values of workers that send all of their data. */
const opened = new WeakSet<object>();
/** So many causes of causes are followed. */
const MAX_CAUSES = 8;

/**
 * The properties of an error that may travel: its own `code`, `errno` and `status` where they are plain
 * values, and all that are enumerable where its worker sends them. One that throws when it is read is
 * left out.
 */
export function propertiesOf(error: object): [string, unknown][] {
  if (!opened.has(error)) {
    return ALWAYS_SENT.flatMap((key): [string, unknown][] => {
      const isOwn = unlessThrown(() => Object.hasOwn(error, key), false);
      const value = isOwn ? read(error, key) : undefined;
      return isPlain(value) ? [[key, value]] : [];
    });
  }
  return unlessThrown(() => Object.keys(error), []).filter((key) => !COMMON.has(key)).flatMap(
    (key): [string, unknown][] => {
      const value = read(error, key);
      return value === undefined ? [] : [[key, value]];
    },
  );
}

/** Whether a value that is no error may travel as the cause of one. */
export function mayTravel(value: unknown): boolean {
  return typeof value !== "object" || value === null || opened.has(value);
}

/** A text property of an error; empty where it cannot be read. */
export function textOf(error: object, key: "name" | "message"): string {
  return unlessThrown(() => String((error as Record<string, unknown>)[key]), "");
}

/** A property of an error; `undefined` where it cannot be read. */
export function read(error: object, key: string): unknown {
  return unlessThrown(() => (error as Record<string, unknown>)[key], undefined);
}

/** Whether a value is an error; one that cannot be inspected is not. */
export function isError(value: unknown): value is Error {
  return unlessThrown(() => value instanceof Error, false);
}

/** Whether a value is an error of ours; one that cannot be inspected is not. */
export function isOurs(value: unknown): value is SelvageError {
  return unlessThrown(() => value instanceof SelvageError, false);
}

/** What is found in a value whose getters and traps may throw; `otherwise` where one does. */
export function unlessThrown<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

/** Lets all data of a thrown value and of its causes travel. */
export function sendAllData(thrown: unknown): void {
  for (let error = thrown, left = MAX_CAUSES; isObject(error) && left > 0; left--) {
    opened.add(error);
    error = read(error, "cause");
  }
}

/** What a routine gave a `RoutineError` that it threw. */
function dataOnPurpose(error: SelvageError): Readonly<Record<string, unknown>> {
  const data = read(error, "name") === "RoutineError" ? read(error, "data") : undefined;
  return isObject(data) ? data as Record<string, unknown> : {};
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ||
    typeof value === "boolean";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
