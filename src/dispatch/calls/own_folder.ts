import { dirname, resolve } from "node:path";
import { ConfigurationError } from "../../errors/mod.ts";

/** Others may make or replace what lies in the folder. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Insists that a unix socket lies in a folder of our own: in any other, somebody else may have been
 * there first, and listens in the worker's place.
 *
 * @param path The socket.
 * @throws {ConfigurationError} If it does not, or that cannot be told.
 */
export async function insistOnOwnFolder(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const why = await whyNotOurs(folder);
  if (why === undefined) return;
  throw new ConfigurationError(
    `a token is not sent through unix:${path}: the folder ${folder} ${why}`,
    { setting: "token" },
  );
}

async function whyNotOurs(folder: string): Promise<string | undefined> {
  try {
    const { isDirectory, uid, mode } = await Deno.lstat(folder);
    if (!isDirectory) return "is a link, which may lead elsewhere by now";
    if (uid === null || uid !== Deno.uid()) return "is not ours";
    return ((mode ?? 0) & WRITABLE_BY_OTHERS) === 0 ? undefined : "may be written to by others";
  } catch (error) {
    return `cannot be looked at: ${error instanceof Error ? error.message : String(error)}`;
  }
}
