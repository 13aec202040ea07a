import { ConfigurationError } from "../errors/mod.ts";
import { messageOf, present } from "../values/mod.ts";

/** A file to write. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** Its permission bits: 0o600 for what is secret. */
  readonly mode: number;
}

/**
 * Reads a file that a person named.
 *
 * @param advice What to do where it is not there.
 * @param setting The flag that names it, for errors. Default: it is an argument of the command.
 * @throws {ConfigurationError} If it cannot be read.
 */
export async function readText(
  path: string,
  advice: string,
  setting?: string,
): Promise<string> {
  try {
    // It leaves out a byte order mark, which is no JSON.
    return new TextDecoder().decode(await Deno.readFile(path));
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? `does not exist; ${advice}` : reason(cause);
    const named = setting === undefined ? path : `${setting}: ${path}`;
    throw new ConfigurationError(`${named} ${why}`, { cause, ...present({ setting }) });
  }
}

/**
 * Writes files that must not be there yet; where one is, none is written.
 *
 * @throws {ConfigurationError} If one is there, or cannot be written.
 */
export async function writeNewFiles(files: readonly NewFile[], rule: string): Promise<void> {
  const written: string[] = [];
  try {
    for (const { path, text, mode } of files) {
      await Deno.writeTextFile(path, text, { createNew: true, mode });
      written.push(path);
    }
  } catch (cause) {
    for (const path of written) await Deno.remove(path);
    const path = files[written.length]!.path;
    const isOthers = cause instanceof Deno.errors.AlreadyExists;
    // A full disk leaves a file without its text; there may also be none.
    if (!isOthers) await Deno.remove(path).catch(() => {});
    const why = isOthers ? `exists already, and ${rule}` : reason(cause);
    throw new ConfigurationError(`${path} ${why}`, { cause });
  }
}

/**
 * Writes files, or replaces them as one step each, so that a reader sees the old or the new one.
 *
 * @throws {ConfigurationError} If one cannot be written.
 */
export async function replaceFiles(files: readonly NewFile[]): Promise<void> {
  for (const { path, text, mode } of files) {
    const beside = `${path}.${crypto.randomUUID()}`;
    try {
      await Deno.writeTextFile(beside, text, { createNew: true, mode });
      await Deno.rename(beside, path);
    } catch (cause) {
      await Deno.remove(beside).catch(() => {}); // never written, then
      throw new ConfigurationError(`${path} ${reason(cause)}`, { cause });
    }
  }
}

/** Makes a folder, and those it lies in. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (cause) {
    throw new ConfigurationError(`${path} ${reason(cause)}`, { cause });
  }
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "is in a folder that does not exist";
  if (cause instanceof Deno.errors.IsADirectory) return "is a folder, not a file";
  if (cause instanceof Deno.errors.PermissionDenied) return "cannot be used: permission denied";
  if (cause instanceof Deno.errors.NotCapable) return `cannot be used: ${cause.message}`;
  if (cause instanceof Deno.errors.AlreadyExists) return "is a file, not a folder";
  return `cannot be used: ${messageOf(cause)}`;
}
