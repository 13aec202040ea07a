import { circlesOf, type Graph, type Import } from "./graph.ts";
import type { Layer, LayerMap } from "./map.ts";

/** `node:` modules that are never imported, and why. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  "node:http2": "failed in our tests against peers (denoland/deno#36788)",
  "node:module": "loads modules that no check sees",
};

/** Ways to load a module that imports do not show. */
const UNSEEN = /\b(createRequire|getBuiltinModule)\b/;
/** A dynamic import of anything but a string literal. */
const COMPUTED = /\bimport\s*\(\s*(?!["'\s])/;
const COMMENT = /^\s*(?:\/\*)?\*.*$|\/\/.*$/gm;

/**
 * What breaks the map, one sentence each.
 *
 * @param graph What imports what; the files that it names.
 * @param textOf The text of a file.
 */
export function violationsOf(
  graph: Graph,
  map: LayerMap,
  textOf: (file: string) => string,
): string[] {
  const files = [...graph.keys()].filter((file) => file.startsWith("src/") || file in map.entries);
  const found = files.flatMap((file) => [
    ...importsAgainst(map, file, graph.get(file)!),
    ...unseenImports(map, file, textOf(file)),
  ]);
  const shipped = new Map(
    files.filter((file) => !isTest(file)).map((file) => [
      file,
      graph.get(file)!.flatMap((each) => each.file ?? []),
    ]),
  );
  for (const circle of circlesOf(shipped)) found.push(`${circle.join(", ")}: import each other`);
  const reached = reachedFrom(map.starts, shipped);
  for (const file of shipped.keys()) {
    if (!reached.has(file)) found.push(`${file}: no entry point of the package reaches it`);
  }
  return found;
}

function importsAgainst(map: LayerMap, file: string, imports: readonly Import[]): string[] {
  const layer = layerOf(map, file);
  if (layer === undefined) return [`${file}: belongs to no layer of the map`];
  return imports.flatMap((each) => {
    const why = whyNot(map, file, layer, each);
    return why === undefined ? [] : [`${file}: "${each.specifier}" ${why}`];
  });
}

/** Why `file` must not import something, where it must not. */
function whyNot(map: LayerMap, file: string, layer: string, each: Import): string | undefined {
  const { specifier, error } = each;
  if (error !== undefined) return `cannot be resolved: ${error.split("\n")[0]}`;
  if (each.file !== undefined) return whyNotFile(map, file, layer, each.file);
  if (specifier in FORBIDDEN) return `is never imported: it ${FORBIDDEN[specifier]}`;
  if (/^(?!node:)[a-z]+:/.test(specifier)) return "is not declared in deno.json";
  if (isTest(file)) return undefined;
  const rules = rulesOf(map, layer);
  if (!specifier.startsWith("node:")) {
    return rules.packages?.includes(specifier) ? undefined : `is no package for ${layer}/`;
  }
  return rules.node === "any" || rules.node?.includes(specifier)
    ? undefined
    : `is no module of the platform for ${layer}/`;
}

function whyNotFile(
  map: LayerMap,
  file: string,
  layer: string,
  target: string,
): string | undefined {
  const test = isTest(file);
  if (!target.startsWith("src/")) return test ? undefined : "leaves src/";
  if (!test && isTest(target)) return "is for tests";
  const to = layerOf(map, target);
  if (to === undefined || to === layer) return undefined;
  if (folderOf(to) === folderOf(layer)) {
    return test || rulesOf(map, layer).imports.includes(to)
      ? undefined
      : `imports ${to}/, and ${layer}/ may not`;
  }
  const allowed = test ? rulesOfFolder(map, layer) : rulesOf(map, layer).imports;
  if (!allowed.includes(to)) return `imports ${to}/, and ${layer}/ may not`;
  const outside = file in map.entries ? ["mod.ts", "entry.ts"] : ["mod.ts"];
  return outside.some((name) => target === `src/${to}/${name}`)
    ? undefined
    : `goes past the mod.ts of ${to}/`;
}

function unseenImports(map: LayerMap, file: string, text: string): string[] {
  const code = text.replace(COMMENT, "");
  const found: string[] = [];
  const unseen = UNSEEN.exec(code)?.[1];
  if (unseen !== undefined) found.push(`${file}: ${unseen} loads modules that no check sees`);
  if (COMPUTED.test(code) && !map.computed.includes(file) && !isTest(file)) {
    found.push(`${file}: imports a module by a name that is computed`);
  }
  return found;
}

/** The layer of a file: the longest folder of the map that it is in, or the entry file itself. */
function layerOf(map: LayerMap, file: string): string | undefined {
  if (file in map.entries) return file;
  const parts = file.split("/").slice(1, -1);
  for (; parts.length > 0; parts.pop()) {
    const folder = parts.join("/");
    if (folder in map.layers) return folder;
  }
  return undefined;
}

function rulesOf(map: LayerMap, layer: string): Layer {
  return map.layers[layer] ?? { imports: map.entries[layer]! };
}

/** What any part of a layer's folder may import: what its tests may. */
function rulesOfFolder(map: LayerMap, layer: string): string[] {
  const parts = Object.entries(map.layers).filter(([name]) => folderOf(name) === folderOf(layer));
  return parts.flatMap(([, { imports }]) => imports);
}

function folderOf(layer: string): string {
  return layer.split("/")[0]!;
}

function isTest(file: string): boolean {
  return /_(?:test|bench)\.ts$/.test(file);
}

function reachedFrom(
  starts: readonly string[],
  graph: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const reached = new Set<string>();
  const ahead = [...starts];
  for (let file = ahead.pop(); file !== undefined; file = ahead.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    ahead.push(...graph.get(file) ?? []);
  }
  return reached;
}
