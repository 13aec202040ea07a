/**
 * Checks that every file of the package imports only what the map in `layers/map.ts` allows, that no
 * files import each other in a circle, that an entry point reaches each, and that no folder is crowded.
 *
 * Prints one line a violation and exits 1 where there is one.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { crowdedFolders } from "./layers/crowded.ts";
import { readGraph } from "./layers/graph.ts";
import { LAYER_MAP } from "./layers/map.ts";
import { violationsOf } from "./layers/violations.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const files = [...Object.keys(LAYER_MAP.entries), ...sourceFiles(root, "src")];
const graph = await readGraph(root, files);
const violations = [
  ...violationsOf(graph, LAYER_MAP, (file) => Deno.readTextFileSync(`${root}/${file}`)),
  ...crowdedFolders(files),
];
for (const violation of violations) console.error(violation);
console.error(`layers: ${files.length} files, ${violations.length} violations`);
Deno.exit(violations.length === 0 ? 0 : 1);

function* sourceFiles(root: string, folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(root, path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}
