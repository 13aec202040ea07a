import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Files that are run in one isolate. */
export interface SharedIsolate {
  /** A module that imports the files; `deno test` runs it instead of them. */
  readonly module: string;
  readonly files: readonly string[];
}

/**
 * Has the files of a folder run in one isolate: `deno test` gives each module an isolate of its own, and loading the
 * project anew in each takes longer than most tests do (30 s of processor time for the 225 files in `src`, 2 s where
 * they share one). A failure names the file and line of its test as ever.
 *
 * @param files Test files, each by its path from the root of the project, where this runs.
 * @param folders Folders of which each has an isolate for its files, with those in folders below.
 * @param into The folder that the modules are written to; it is made.
 * @returns One for each folder that has several of the files.
 */
export function shareIsolates(
  files: readonly string[],
  folders: readonly string[],
  into: string,
): readonly SharedIsolate[] {
  return folders.map((folder) => {
    const own = files.filter((file) => file.startsWith(`${folder}/`));
    const module = join(into, `${folder}.ts`);
    Deno.mkdirSync(dirname(module), { recursive: true });
    const imports = own.map((file) => `import ${JSON.stringify(pathToFileURL(file).href)};\n`);
    Deno.writeTextFileSync(module, imports.join(""));
    return { module, files: own };
  }).filter(({ files }) => files.length > 1);
}
