import assert from "node:assert/strict";
import { LAYER_MAP } from "../scripts/layers/map.ts";

const root = new URL("../", import.meta.url);

/** The files that a page names in backticks or in a drawing, as paths of the repository or of `src`. */
function named(page: string): readonly string[] {
  const text = Deno.readTextFileSync(new URL(page, root));
  const inText = [...text.matchAll(/`([\w./-]+\/[\w.*-]+\.(?:ts|md|json))`/g)];
  const drawings = [...text.matchAll(/^```text\n([^]*?)^```/gm)].map(([, drawing]) => drawing)
    .join();
  const drawn = [...drawings.matchAll(/([\w/-]+\/\w+\.ts)/g)];
  const names = [...inText, ...drawn].map(([, name]) => name!);
  return [...new Set(names)];
}

/** Whether there is such a file; with a `*` in its name, whether there is one at least. */
function exists(path: string): boolean {
  try {
    const [, folder, start, end] = /^(.*\/)([^/*]*)\*([^/*]*)$/.exec(path) ?? [];
    if (folder !== undefined) {
      return [...Deno.readDirSync(new URL(folder, root))]
        .some(({ name }) => name.startsWith(start!) && name.endsWith(end!));
    }
    return Deno.statSync(new URL(path, root)).isFile;
  } catch {
    return false;
  }
}

for (const page of ["ARCHITECTURE.md", "CONTRIBUTING.md"]) {
  Deno.test(`every file that ${page} names is there`, () => {
    const names = named(page);
    assert.ok(names.length > 5, "the page names files");
    assert.deepEqual(names.filter((name) => !exists(name) && !exists(`src/${name}`)), []);
  });
}

/** The files of a page that stand without a folder, in the folder of the file before them; `mod.ts` is any folder's. */
function shortened(page: string): readonly string[] {
  const text = Deno.readTextFileSync(new URL(page, root));
  let folder = "";
  const names: string[] = [];
  for (const [, path = "", name] of text.matchAll(/`([\w./-]+\/)?([\w.*-]+\.ts)`/g)) {
    if (path !== "") folder = path;
    else if (name !== "mod.ts") names.push(folder + name);
  }
  return names;
}

Deno.test("a file that ARCHITECTURE.md names without a folder is in that of the file before it", () => {
  const names = shortened("ARCHITECTURE.md");
  assert.ok(names.length > 5, "the page names files without folders");
  assert.deepEqual(names.filter((name) => !exists(`src/${name}`)), []);
});

/** The folders of `src`, in the order in which ARCHITECTURE.md says what they are. */
function describedFolders(): readonly string[] {
  const text = Deno.readTextFileSync(new URL("ARCHITECTURE.md", root));
  const [, section = ""] = /^## Folders of `src`\n([^]*?)^## /m.exec(text) ?? [];
  return [...section.matchAll(/`(\w+)\//g)].map(([, name]) => name!);
}

Deno.test("ARCHITECTURE.md says what every folder of src is", () => {
  const folders = [...Deno.readDirSync(new URL("src", root))].filter(({ isDirectory }) =>
    isDirectory
  );
  const described = new Set(describedFolders());
  assert.deepEqual(folders.map(({ name }) => name).filter((name) => !described.has(name)), []);
});

Deno.test("a folder of src imports only folders that ARCHITECTURE.md names before it", () => {
  const described = describedFolders();
  const later = Object.entries(LAYER_MAP.layers).flatMap(([layer, { imports }]) => {
    const own = folderOf(layer);
    return imports.map(folderOf)
      .filter((other) => other !== own && described.indexOf(other) > described.indexOf(own))
      .map((other) => `${own} imports ${other}`);
  });
  assert.deepEqual(later, []);
});

function folderOf(layer: string): string {
  return layer.split("/", 1)[0]!;
}

/** Methods of bytes that Node 24 lacks; `src/platform/byte_text.ts` stands in for them. */
const NEWER = /\.(?:toHex|toBase64|setFromHex|setFromBase64)\(|\bUint8Array\.from(?:Hex|Base64)\(/;

/** The sources in a folder that are no tests. */
function sourcesIn(folder: string): readonly string[] {
  return [...Deno.readDirSync(new URL(folder, root))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesIn(`${folder}${name}/`);
    return name.endsWith(".ts") && !name.endsWith("_test.ts") ? [`${folder}${name}`] : [];
  });
}

Deno.test("no source that a caller on Node may run calls a method of bytes that Node 24 lacks", () => {
  // The command and the benchmarks are Deno's alone.
  const sources = sourcesIn("src/").filter((path) =>
    !path.startsWith("src/cli/") && !path.endsWith("_bench.ts") &&
    path !== "src/platform/byte_text.ts"
  );
  assert.ok(sources.length > 300);
  const found = sources.filter((path) => NEWER.test(Deno.readTextFileSync(new URL(path, root))));
  assert.deepEqual(found, []);
});
