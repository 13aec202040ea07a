import { connect } from "node:net";
import { join } from "node:path";
import { getuid } from "node:process";

/** The folders of own sockets, as {@linkcode Deno.makeTempDir} names them. */
const NAME = /^selvage-[0-9a-f]+$/;
/** The socket in each. */
const SOCKET = "own";
/** A folder this old is not one of a worker that is starting, in milliseconds. */
const SETTLED_MS = 60_000;
/** So many are examined at each start: a worker that is killed leaves one. */
const MAX_EXAMINED = 16;

/**
 * Removes the folders that killed workers left behind: ours, at least a minute old, and empty or with nothing but a
 * socket on which no process listens.
 *
 * @param now The time, milliseconds since the epoch.
 */
export async function removeAbandoned(root: string, now: number): Promise<void> {
  const permission = { name: "read", path: root } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(root)) {
      if (isDirectory && NAME.test(name)) found.push(join(root, name));
    }
  } catch {
    return; // it may be entered and not listed: nothing can be known of others there
  }
  // Those of running workers are among them: begun anywhere, each is examined in time.
  const start = Math.floor(Math.random() * found.length);
  const examined = [...found.slice(start), ...found.slice(0, start)].slice(0, MAX_EXAMINED);
  await Promise.all(examined.map((folder) => removeIfAbandoned(folder, now)));
}

async function removeIfAbandoned(folder: string, now: number): Promise<void> {
  try {
    const { uid, mtime } = await Deno.lstat(folder);
    if (uid !== getuid?.() || mtime === null || now - mtime.getTime() < SETTLED_MS) return;
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    if (names.some((name) => name !== SOCKET)) return;
    const socket = join(folder, SOCKET);
    if (names.length > 0) {
      if ((await Deno.lstat(socket)).isSocket !== true || !await isDeserted(socket)) return;
      await Deno.remove(socket);
    }
    // Only an empty folder can be removed so.
    await Deno.remove(folder);
  } catch {
    // Another worker that starts has removed it, or it is not ours to enter.
  }
}

/** Whether no process listens on a socket; any other failure, such as a full queue, is one of a listener. */
function isDeserted(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once("connect", () => resolve(false));
  socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  return promise.finally(() => socket.destroy());
}
