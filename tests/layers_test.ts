import assert from "node:assert/strict";
import { dirname } from "node:path";
import { crowdedFolders } from "../scripts/layers/crowded.ts";
import { readGraph } from "../scripts/layers/graph.ts";
import { LAYER_MAP, type LayerMap } from "../scripts/layers/map.ts";
import { violationsOf } from "../scripts/layers/violations.ts";

const MAP: LayerMap = {
  layers: {
    contract: { imports: [] },
    wire: { imports: ["contract", "wire/inner"], packages: ["declared"], node: "any" },
    "wire/inner": { imports: [] },
  },
  entries: { "mod.ts": ["contract", "wire"] },
  starts: ["mod.ts"],
  computed: ["src/wire/loader.ts"],
};

/** A project that keeps to the map. */
const SOUND: Readonly<Record<string, string>> = {
  "deno.json": '{ "imports": { "declared": "npm:commander@15.1.0" } }',
  "mod.ts": 'export * from "./src/wire/mod.ts";',
  "src/contract/mod.ts": "export const contract = 1;",
  "src/wire/mod.ts": `export * from "./wire.ts"; export * from "./loader.ts";`,
  "src/wire/wire.ts": `
    import { resolve } from "node:path";
    import { contract } from "../contract/mod.ts";
    import "./inner/inner.ts";
    import "declared";
    /** Such as: import { wire } from "undeclared"; createRequire */
    export const wire = [contract, resolve];`,
  "src/wire/loader.ts": "export const load = (name: string) => import(name);",
  "src/wire/inner/inner.ts": "export const inner = 1;",
};

const BROKEN: Readonly<Record<string, readonly [file: string, text: string, why: RegExp]>> = {
  "a dynamic import of a lower layer": [
    "src/contract/mod.ts",
    'export const load = () => import("../wire/mod.ts");',
    /^src\/contract\/mod\.ts: "\.\.\/wire\/mod\.ts" imports wire\/, and contract\/ may not$/,
  ],
  "a dynamic import by a computed name": [
    "src/contract/mod.ts",
    "export const load = (name: string) => import(name);",
    /^src\/contract\/mod\.ts: imports a module by a name that is computed$/,
  ],
  "createRequire": [
    "src/wire/wire.ts",
    'import { createRequire } from "node:module"; import "./inner/inner.ts"; createRequire("x");',
    /^src\/wire\/wire\.ts: createRequire loads modules that no check sees$/,
  ],
  "node:http2": [
    "src/wire/wire.ts",
    'import "node:http2"; import "./inner/inner.ts"; import "../contract/mod.ts";',
    /^src\/wire\/wire\.ts: "node:http2" is never imported/,
  ],
  "node: in contract/": [
    "src/contract/mod.ts",
    'import "node:path";',
    /^src\/contract\/mod\.ts: "node:path" is no module of the platform for contract\/$/,
  ],
  "a package that is not declared": [
    "src/wire/wire.ts",
    'import "undeclared"; import "./inner/inner.ts"; import "../contract/mod.ts";',
    /^src\/wire\/wire\.ts: "undeclared" cannot be resolved/,
  ],
  "a package of another layer": [
    "src/contract/mod.ts",
    'import "declared";',
    /^src\/contract\/mod\.ts: "declared" is no package for contract\/$/,
  ],
  "a circle within a folder": [
    "src/wire/loader.ts",
    'import type { wire } from "./mod.ts"; export type Wire = typeof wire;',
    /^src\/wire\/loader\.ts, src\/wire\/mod\.ts: import each other$/,
  ],
  "a root entry file that goes past a mod.ts": [
    "mod.ts",
    'export * from "./src/wire/mod.ts"; export * from "./src/wire/wire.ts";',
    /^mod\.ts: "\.\/src\/wire\/wire\.ts" goes past the mod\.ts of wire\/$/,
  ],
  "a folder inside a layer that imports what only the layer may": [
    "src/wire/inner/inner.ts",
    'import "../../contract/mod.ts";',
    /^src\/wire\/inner\/inner\.ts: .* imports contract\/, and wire\/inner\/ may not$/,
  ],
  "a file that nothing imports": [
    "src/wire/left_over.ts",
    "export const leftOver = 1;",
    /^src\/wire\/left_over\.ts: no entry point of the package reaches it$/,
  ],
  "a folder that is not in the map": [
    "src/other/mod.ts",
    "export const other = 1;",
    /^src\/other\/mod\.ts: belongs to no layer of the map$/,
  ],
};

Deno.test("violationsOf() finds nothing in a project that keeps to the map", async () => {
  assert.deepEqual(await violationsIn(SOUND), []);
});

for (const [what, [file, text, why]] of Object.entries(BROKEN)) {
  Deno.test(`violationsOf() reports ${what}`, async () => {
    const violations = await violationsIn({ ...SOUND, [file]: text });
    assert.ok(violations.some((violation) => why.test(violation)), violations.join("\n"));
  });
}

Deno.test("LAYER_MAP starts at every entry point of the package", async () => {
  const text = await Deno.readTextFile(new URL("../deno.json", import.meta.url));
  const { exports } = JSON.parse(text) as { exports: Record<string, string> };
  for (const file of Object.values(exports)) {
    assert.ok(LAYER_MAP.starts.includes(file.replace("./", "")), file);
  }
});

Deno.test("crowdedFolders() reports folders of more than 25 files, beside tests and folders within", () => {
  const some = Array.from({ length: 25 }, (_, at) => `src/some/file_${at}.ts`);
  const others = ["src/some/file_test.ts", "src/some/inner/file.ts"];
  assert.deepEqual(crowdedFolders([...some, ...others]), []);
  assert.deepEqual(crowdedFolders([...some, "src/some/one_more.ts"]), [
    "src/some: has 26 files, and no folder has more than 25",
  ]);
});

async function violationsIn(project: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [file, text] of Object.entries(project)) {
      await Deno.mkdir(dirname(`${root}/${file}`), { recursive: true });
      await Deno.writeTextFile(`${root}/${file}`, text);
    }
    const graph = await readGraph(root, Object.keys(project).filter((name) => name.endsWith("ts")));
    return violationsOf(graph, MAP, (file) => project[file]!);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
