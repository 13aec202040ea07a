import { join } from "node:path";

/** Folders that hold no work of their own. */
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** A file to digest. */
export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
}

/** Every regular file under a folder; links are not followed. */
export async function findFiles(folder: string): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory && !SKIPPED.has(name)) found.push(...await findFiles(path));
    if (isFile) found.push({ path, bytes: (await Deno.stat(path)).size });
  }
  return found;
}
