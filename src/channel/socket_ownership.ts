import { lstat, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { getuid } from "node:process";
import { isMissing, mayReadNow, mayReadUserId } from "../platform/mod.ts";
import { messageOf } from "../values/mod.ts";

/** Others may create or replace entries of the folder. */
const WRITABLE_BY_OTHERS = 0o022;
/** Entries of the folder belong to those who created them, although others may create some (`/tmp`). */
const STICKY = 0o1000;
/** The system's own user. */
const ROOT = 0;

/** A unix socket as it was found: which file it is, or why it may be another user's. */
export type SocketOwnership =
  | { readonly ours: true; readonly device: number; readonly inode: number | null }
  | { readonly ours: false; readonly why: string };

/**
 * Whether a unix socket can only have been created by ourselves: it is ours, in a folder that only we can write
 * to, below folders in which no other user can replace that one.
 */
export async function inspectSocket(path: string): Promise<SocketOwnership> {
  const socket = resolve(path);
  const folder = dirname(socket);
  try {
    const missing = missingPermission(socket);
    if (missing !== undefined) {
      return { ours: false, why: `whose it is may not be read: ${missing}` };
    }
    const why = await whyNotOurs(folder) ?? await whyReplaceable(folder) ??
      await whyReplaceable(await realpath(folder));
    if (why !== undefined) return { ours: false, why };
    const found = await lstat(socket);
    const { dev, ino, uid } = found;
    if (!found.isSocket() || uid !== userId()) {
      return { ours: false, why: `${socket} is not our socket` };
    }
    return { ours: true, device: dev, inode: ino };
  } catch (error) {
    if (isMissing(error)) {
      return { ours: false, why: `${socket} does not exist` };
    }
    const why = messageOf(error);
    return { ours: false, why: `whose it is cannot be determined: ${why}` };
  }
}

/** What we would be asked for: looking without asking first would prompt a person at a terminal. */
function missingPermission(socket: string): string | undefined {
  if (!mayReadUserId()) return "give --allow-sys=uid";
  for (let at = socket; at !== dirname(at); at = dirname(at)) {
    if (!mayReadNow(at)) return `give --allow-read=${at}`;
  }
  return undefined;
}

async function whyNotOurs(folder: string): Promise<string | undefined> {
  const found = await lstat(folder);
  if (!found.isDirectory()) {
    return `the folder ${folder} is a link, which may lead elsewhere by now`;
  }
  if (found.uid !== userId()) return `the folder ${folder} is not ours`;
  return (found.mode & WRITABLE_BY_OTHERS) === 0
    ? undefined
    : `the folder ${folder} can be written to by others`;
}

/** Why another user could put another folder in this one's place, anywhere on the way to it. */
async function whyReplaceable(folder: string): Promise<string | undefined> {
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    const found = await lstat(at);
    const { uid, mode } = found;
    if (uid !== ROOT && uid !== userId()) return `the folder ${at} above it is another user's`;
    // The mode of a link says nothing; what it leads to is looked at by its real path.
    if (found.isSymbolicLink() || (mode & WRITABLE_BY_OTHERS) === 0) continue;
    if ((mode & STICKY) === 0) {
      return `the folder ${at} above it can be written to by others`;
    }
  }
  return undefined;
}

/** Our own user; undefined where the system knows no users, and then nothing is ours. */
function userId(): number | undefined {
  return getuid?.();
}
