import { join } from "node:path";

/** Folders that hold no work of their own. */
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** The path of every regular file under a folder; links are not followed. */
export async function findFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isFile) found.push(path);
    else if (isDirectory && !SKIPPED.has(name)) {
      for (const inner of await findFiles(path)) found.push(inner);
    }
  }
  return found;
}
