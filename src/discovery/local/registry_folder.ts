import { lstat, mkdir } from "node:fs/promises";
import { env, getuid } from "node:process";
import { invalid } from "../setting.ts";

/** The folder of a namespace, for processes of one user of this machine. */
export function registryFolder(namespace: string, root: string | undefined): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(namespace)) {
    throw invalid(
      `local discovery needs a name of letters, digits, dots, dashes and underscores, at most 64, not ` +
        JSON.stringify(namespace),
    );
  }
  return `${root ?? defaultRoot()}/${namespace}`;
}

function defaultRoot(): string {
  const own = env["XDG_RUNTIME_DIR"];
  return own === undefined || own === "" ? `/tmp/selvage-${getuid?.() ?? 0}` : `${own}/selvage`;
}

/**
 * Makes the folder where it is not there. It must be ours alone, and so must the one that it is in, for who
 * can write there decides where calls go.
 *
 * @throws {Error} If it belongs to another user, others can enter it, or it is no folder.
 */
export async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const path of [folder.replace(/\/[^/]*$/, ""), folder]) {
    const { uid, mode } = await lstat(path);
    const directory = (mode & 0o170000) === 0o040000;
    if (!directory || uid !== getuid?.() || (mode & 0o077) !== 0) {
      throw new Error(`${path} must be a folder of this user alone (mode 0700)`);
    }
  }
}
