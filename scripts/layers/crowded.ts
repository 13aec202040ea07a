import { dirname } from "node:path";

/** More files of its own than this, tests apart, are more than a reader takes in at once. */
const MAX_FILES = 25;

/** The folders that hold too many of these files, each in a sentence. */
export function crowdedFolders(files: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    if (file.endsWith("_test.ts")) continue;
    const folder = dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > MAX_FILES)
    .map(([folder, count]) =>
      `${folder}: has ${count} files, and no folder has more than ${MAX_FILES}`
    );
}
