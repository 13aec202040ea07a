import { dirname, sep } from "node:path";

/** So many files of one folder are named one by one; of more, the folder is. */
const MAX_FILES = 8;

/**
 * The paths to allow reading so that files can be read: this package's own as one folder, and any
 * other folder that many of them are in.
 *
 * @param files Their absolute paths.
 * @param source The folder of this package, where it is on this machine.
 */
export function readPaths(files: readonly string[], source: string | undefined): readonly string[] {
  const own = files.filter((file) => source !== undefined && file.startsWith(source + sep));
  const others = files.filter((file) => !own.includes(file));
  const folders = Map.groupBy(others, dirname);
  const paths = [...folders].flatMap(([folder, inside]) =>
    inside.length > MAX_FILES && dirname(folder) !== folder ? [folder] : inside
  );
  if (own.length > 0) paths.unshift(source!);
  // What lies in a folder that is named needs no name of its own.
  return paths.filter((path) =>
    !paths.some((other) => other !== path && path.startsWith(other + sep))
  );
}
