import { connect } from "node:net";
import { dirname } from "node:path";
import { unusable } from "../errors/mod.ts";

/** Only the owner may connect. */
const SOCKET_MODE = 0o600;

/**
 * Makes way for a listener: a socket that a killed process left behind is removed, one on which a process
 * still listens is not.
 *
 * @param path Where to listen.
 * @param setting What the error names. Default: `listen`.
 * @throws {ConfigurationError} where the path is taken.
 */
export async function claimSocketPath(path: string, setting = "listen"): Promise<void> {
  const found = await statOf(path);
  if (found === undefined) return;
  if (found.isSocket && !(await answers(path))) return await Deno.remove(path);
  const why = found.isSocket
    ? "another process listens there"
    : "there is a file which is no socket";
  throw unusable(setting, `cannot listen on unix:${path}: ${why}`);
}

/**
 * Creates a socket that only its owner may connect to, from its first moment on: in a folder that only its owner can
 * enter, or else by the umask of the process.
 *
 * @param bind Creates the socket before it returns, and resolves when it listens.
 * @throws {ConfigurationError} where neither is possible.
 */
export async function listenPrivately(path: string, bind: () => Promise<void>): Promise<void> {
  const mayMask =
    Deno.permissions.querySync({ name: "sys", kind: "umask" as "uid" }).state === "granted";
  if (!mayMask) await insistOnPrivateFolder(path);
  if (!mayMask || await isPrivate(path)) {
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

/** Whether only the owner can enter a socket's folder, where that may be read. */
async function isPrivate(path: string): Promise<boolean> {
  const folder = dirname(path);
  if (Deno.permissions.querySync({ name: "read", path: folder }).state !== "granted") return false;
  return isOwnersAlone(await folderModeOf(path));
}

async function insistOnPrivateFolder(path: string): Promise<void> {
  if (isOwnersAlone(await folderModeOf(path))) return;
  const folder = dirname(path);
  throw unusable(
    "listen",
    `cannot listen in ${folder}, which others can enter, without permission to set the umask: ` +
      "give --allow-sys=umask, or take a folder of mode 700",
  );
}

function isOwnersAlone(mode: number | null): boolean {
  return mode === null || (mode & 0o077) === 0;
}

async function folderModeOf(path: string): Promise<number | null> {
  const folder = dirname(path);
  try {
    return (await Deno.stat(folder)).mode;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = cause instanceof Deno.errors.NotFound ? "does not exist" : "cannot be examined";
    throw unusable("listen", `cannot listen on unix:${path}: the folder ${folder} ${why}`, cause);
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    // What else is wrong with the way there is found where the socket is made.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return;
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
