/**
 * Checks that every folder of `src/` imports only from folders above it in the list, and only
 * through their `mod.ts`, and that no file imports what the project forbids.
 *
 * Prints one line a violation and exits 1 where there is one.
 *
 * @module
 */
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The layers, from the one that imports nothing down to the one that may import everything. */
const LAYERS: readonly string[] = [
  "contract",
  "errors",
  "http2",
  "observe",
  "identity",
  "credentials",
  "channel",
  "peer",
  "gen",
  "rpc",
  "spiffe",
  "routine",
  "limits",
  "policy",
  "discovery",
  "dispatch",
  "worker",
  "pool",
  "testing",
  "cli",
];

/** Layers that stand alone: not even the ones above them, nor a package. */
const STANDALONE: ReadonlySet<string> = new Set(["contract", "errors", "http2"]);

/** `node:http2` corrupts memory on this platform when a peer sends GOAWAY. */
const FORBIDDEN: ReadonlySet<string> = new Set(["node:http2", "http2"]);

const IMPORT =
  /\b(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g;

/** An example in a comment imports what its reader would. */
const COMMENT_LINE = /^\s*(?:\/\*)?\*.*$/gm;

const src = fileURLToPath(new URL("../src", import.meta.url));
const root = dirname(src);
const violations: string[] = [];
let files = 0;
for (const file of sourceFiles(src)) {
  files++;
  violations.push(...violationsIn(file, Deno.readTextFileSync(file)));
}
for (const violation of violations) console.error(violation);
if (files === 0) violations.push("no source files found");
console.error(`layers: ${files} files, ${violations.length} violations`);
Deno.exit(violations.length === 0 ? 0 : 1);

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function violationsIn(file: string, text: string): string[] {
  const layer = relative(src, file).split("/")[0]!;
  const found: string[] = [];
  const report = (specifier: string, why: string) =>
    found.push(`${relative(root, file)}: "${specifier}" ${why}`);
  if (!LAYERS.includes(layer)) report(layer, "is not a layer");
  for (const [, from, bare] of text.replace(COMMENT_LINE, "").matchAll(IMPORT)) {
    const specifier = from ?? bare!;
    if (FORBIDDEN.has(specifier)) report(specifier, "is never imported");
    if (!specifier.startsWith(".")) {
      const alone = STANDALONE.has(layer) && !file.endsWith("_test.ts") &&
        !file.endsWith("_bench.ts");
      if (alone && !specifier.startsWith("node:")) {
        report(specifier, `is a package, and ${layer}/ stands alone`);
      }
      continue;
    }
    const target = resolve(dirname(file), specifier);
    const [targetLayer, ...inside] = relative(src, target).split("/");
    if (targetLayer === layer) continue;
    if (targetLayer === "..") {
      if (!file.endsWith("_test.ts") && !file.endsWith("_bench.ts")) {
        report(specifier, "leaves src/");
      }
      continue;
    }
    if (LAYERS.indexOf(targetLayer!) > LAYERS.indexOf(layer)) {
      report(specifier, `imports downwards: ${layer}/ stands above ${targetLayer}/`);
    } else if (STANDALONE.has(layer)) {
      report(specifier, `imports ${targetLayer}/, and ${layer}/ stands alone`);
    }
    if (inside.join("/") !== "mod.ts") report(specifier, "goes past the other layer's mod.ts");
  }
  return found;
}
