import { join } from "node:path";

/** As the bundler names what several modules share, and what is loaded later: by a hash of what it holds. */
const CHUNK = /^.+-[A-Z2-7]{8}\.js$/;

/**
 * Removes what an earlier bundle has left in a folder: chunks that have a map beside them, and are not of those named.
 * Their names change with what they hold, so that nothing is written over them.
 */
export async function removeEarlierChunks(
  folder: string,
  ours: ReadonlySet<string>,
): Promise<void> {
  const files = new Set((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name));
  for (const name of files) {
    if (!CHUNK.test(name) || ours.has(name) || !files.has(`${name}.map`)) continue;
    await Deno.remove(join(folder, name));
    await Deno.remove(join(folder, `${name}.map`));
  }
}
