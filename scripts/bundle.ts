/**
 * Writes the `selvage` command and modules of yours as a few files of JavaScript, of which a worker takes two thirds of
 * the memory that it takes of their sources (docs/performance.md): `deno task bundle FOLDER MODULE…`, then
 * `deno run … FOLDER/selvage.js worker FOLDER/MODULE.js …`.
 *
 * Modules resolve what they import by this project's `deno.json` and lock file; a package that these do not name is an
 * error. The bundler is one of these packages: Deno names the version of esbuild that it bundles with, and takes it from
 * its cache, where it is once this script, which imports it, has been loaded by the lock file.
 *
 * @module
 */
import { basename, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { removeEarlierChunks } from "./bundle/earlier_chunks.ts";
import { shorten } from "./bundle/shorten.ts";

const PROJECT = new URL("../", import.meta.url);
const CONFIG = fileURLToPath(new URL("deno.json", PROJECT));

/** What a thread begins with: looked for beside the code as `thread_entry.ts`. */
const THREAD = new URL("src/worker/threads/thread_entry.ts", PROJECT);

/** What a bundle has in other forms than the sources. */
const REPLACED: readonly (readonly [string, string])[] = [
  ["src/identity/names/suffix_list.ts", "scripts/bundle/suffix_list.ts"],
];

const COMMAND = `
import { run } from ${JSON.stringify(new URL("src/cli/run.ts", PROJECT).href)};
Deno.exit(await run(Deno.args));
`;

const [folder, ...modules] = Deno.args;
if (folder === undefined) fail("usage: deno task bundle FOLDER [MODULE…]");
await bundle(resolve(folder), modules.map((module) => resolve(module)));

async function bundle(folder: string, modules: readonly string[]): Promise<void> {
  const entries = new Map([["selvage", COMMAND]]);
  for (const [name, url] of [["thread_entry", THREAD] as const, ...modules.map(named)]) {
    if (entries.has(name)) fail(`two modules are named ${name}; rename one of them`);
    entries.set(name, `export * from ${JSON.stringify(url.href)};\n`);
  }
  if (!await written(entries, folder)) {
    fail(`nothing is bundled, for the reason above; packages are those of ${CONFIG} (deno add)`);
  }
  await Deno.writeTextFile(join(folder, "thread_entry.ts"), 'import "./thread_entry.js";\n');
}

function named(path: string): [name: string, url: URL] {
  return [basename(path, extname(path)), pathToFileURL(path)];
}

async function written(entries: ReadonlyMap<string, string>, folder: string): Promise<boolean> {
  const made = await Deno.makeTempDir({ prefix: "selvage-bundle-" });
  try {
    const paths = [...entries.keys()].map((name) => join(made, `${name}.ts`));
    for (const [name, text] of entries) await Deno.writeTextFile(join(made, `${name}.ts`), text);
    const imports = join(made, "imports.json");
    await Deno.writeTextFile(imports, JSON.stringify({ imports: await importsOf(PROJECT) }));
    const linked = join(made, "linked");
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--frozen", "--platform=deno", "--code-splitting"],
        ...["--sourcemap=linked", `--config=${CONFIG}`, `--import-map=${imports}`],
        ...[`--outdir=${linked}`, ...paths],
      ],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (success) {
      const names = await shorten(linked, folder);
      await removeEarlierChunks(folder, new Set(names));
    }
    return success;
  } finally {
    await Deno.remove(made, { recursive: true });
  }
}

/** What the modules of a project import, as its `deno.json` has it, but for what is replaced. */
async function importsOf(project: URL): Promise<Readonly<Record<string, string>>> {
  const { name, exports, imports } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", project)),
  );
  const own = Object.entries<string>(exports).map((
    [key, path],
  ) => [`${name}${key.slice(1)}`, path]);
  const files = Object.fromEntries(
    [...own, ...REPLACED.map(([file, other]) => [new URL(file!, project).href, other])]
      .map(([from, to]) => [from, new URL(to!, project).href]),
  );
  return { ...imports, ...files };
}

function fail(why: string): never {
  console.error(why);
  Deno.exit(2);
}
