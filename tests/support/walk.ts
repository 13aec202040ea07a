/** The paths of every file in a folder and the folders in it, relative to it. */
export async function* walk(folder: URL, within = ""): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(within, folder))) {
    const path = `${within}${entry.name}`;
    if (entry.isDirectory) yield* walk(folder, `${path}/`);
    else yield path;
  }
}
