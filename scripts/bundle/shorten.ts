import { join } from "node:path";
import { build, stop } from "esbuild";

/**
 * Writes the modules of a folder into another one without what only a reader needs, and beside each the map to its
 * sources.
 *
 * Names stay, so that a stack can be read, which takes 1 MiB in a worker; white space takes 4. (`--minify` of
 * `deno bundle` shortens names, too; with its `--keep-names` no function runs elsewhere by its text, as one of the
 * worker's does.) The maps are not linked: Deno would load all of them, 17 MiB, with the first error whose stack is
 * read. They do without the text of the sources.
 *
 * @returns The names of the modules.
 */
export async function shorten(from: string, to: string): Promise<readonly string[]> {
  const names = (await Array.fromAsync(Deno.readDir(from))).map(({ name }) => name)
    .filter((name) => name.endsWith(".js"));
  await build({
    entryPoints: names.map((name) => join(from, name)),
    outdir: to,
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "warning",
  });
  await stop();
  return names;
}
