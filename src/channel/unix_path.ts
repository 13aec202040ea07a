import { connect } from "node:net";
import { ConfigurationError } from "../errors/mod.ts";

/** The owner alone may connect; whoever else should, the owner of the folder may let. */
const SOCKET_MODE = 0o600;

/**
 * Makes way for a listener: a socket that a process left behind when it was killed is removed, one that
 * somebody still listens on is not.
 *
 * @throws {ConfigurationError} where the path is taken.
 */
export async function claimSocketPath(path: string): Promise<void> {
  const found = await statOf(path);
  if (found === undefined) return;
  if (found.isSocket && !(await answers(path))) return await Deno.remove(path);
  throw new ConfigurationError(
    `cannot listen on unix:${path}: ${
      found.isSocket ? "somebody listens there" : "a file is in the way"
    }`,
    { setting: "listen" },
  );
}

/** Lets only the owner connect. */
export async function guardSocketPath(path: string): Promise<void> {
  await Deno.chmod(path, SOCKET_MODE);
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
