import { connect } from "node:net";
import { dirname } from "node:path";
import { ConfigurationError } from "../errors/mod.ts";

/** Only the owner may connect. */
const SOCKET_MODE = 0o600;

/**
 * Makes way for a listener: a socket that a killed process left behind is removed, one on which a process
 * still listens is not.
 *
 * @throws {ConfigurationError} where the path is taken.
 */
export async function claimSocketPath(path: string): Promise<void> {
  const found = await statOf(path);
  if (found === undefined) return;
  if (found.isSocket && !(await answers(path))) return await Deno.remove(path);
  throw new ConfigurationError(
    `cannot listen on unix:${path}: ${
      found.isSocket ? "another process listens there" : "there is a file which is no socket"
    }`,
    { setting: "listen" },
  );
}

/**
 * Creates a socket that only its owner may connect to, from its first moment on: in a folder that only its owner can
 * enter, or else by the umask of the process.
 *
 * @param bind Creates the socket before it returns, and resolves when it listens.
 * @throws {ConfigurationError} where neither is possible.
 */
export async function listenPrivately(path: string, bind: () => Promise<void>): Promise<void> {
  const folder = dirname(path);
  const mayMask =
    Deno.permissions.querySync({ name: "sys", kind: "umask" as "uid" }).state === "granted";
  if (!mayMask) await insistOnPrivateFolder(folder);
  if (!mayMask || await isPrivate(folder)) {
    await bind();
    return await Deno.chmod(path, SOCKET_MODE);
  }
  // It is the umask of the whole process: whatever else is created at this moment, by other threads or children,
  // keeps what its owner may do.
  const before = Deno.umask(0o077);
  let listening: Promise<void>;
  try {
    listening = bind();
  } finally {
    Deno.umask(before);
  }
  await listening;
}

/** Whether only the owner can enter a folder, where that may be read. */
async function isPrivate(folder: string): Promise<boolean> {
  if (Deno.permissions.querySync({ name: "read", path: folder }).state !== "granted") return false;
  const { mode } = await Deno.stat(folder);
  return mode === null || (mode & 0o077) === 0;
}

async function insistOnPrivateFolder(folder: string): Promise<void> {
  const { mode } = await Deno.stat(folder);
  if (mode === null || (mode & 0o077) === 0) return;
  throw new ConfigurationError(
    `cannot listen in ${folder}, which others can enter, without permission to set the umask: give ` +
      "--allow-sys=umask, or take a folder of mode 700",
    { setting: "listen" },
  );
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
  // Any other error, such as a full queue, is one of a listener.
  socket.once("error", ({ code }: NodeJS.ErrnoException) => {
    resolve(code !== "ECONNREFUSED" && code !== "ENOENT");
  });
  return promise.finally(() => socket.destroy());
}
