import { dirname, resolve } from "node:path";
import { type ConfigurationError, unusable } from "../errors/mod.ts";

/** Only the owner may enter. */
const FOLDER_MODE = 0o700;

/**
 * Makes the folder of a socket where it is not there, for its owner alone.
 *
 * @param path The socket.
 * @throws {ConfigurationError} If the folder is there and others may enter it, or it cannot be made.
 */
export async function privateFolderOf(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  try {
    await Deno.mkdir(folder, { mode: FOLDER_MODE });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) {
      throw refused(`the folder ${folder} cannot be made: ${(cause as Error).message}`, cause);
    }
  }
  const { mode } = await Deno.stat(folder);
  if (mode === null || (mode & 0o077) === 0) return;
  throw refused(
    `others may enter ${folder} (mode ${
      (mode & 0o777).toString(8)
    }); name a folder of mode 700, or one ` +
      "that is not there",
  );
}

/** The error for an admin socket that would not be private. */
export function refused(why: string, cause?: unknown): ConfigurationError {
  return unusable("admin", `the admin socket is not opened: ${why}`, cause);
}
