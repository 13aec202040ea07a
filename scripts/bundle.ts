/**
 * Writes the `selvage` command and modules of yours as a few files of JavaScript, of which a worker takes 70% of the
 * memory that it takes of their sources (docs/performance.md): `deno task bundle FOLDER MODULE…`, then
 * `deno run … FOLDER/selvage.js worker FOLDER/MODULE.js …`.
 *
 * Modules resolve what they import by this project's `deno.json` and lock file. The first time, Deno fetches from npm
 * what it bundles with.
 *
 * @module
 */
import { basename, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const PROJECT = new URL("../", import.meta.url);

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
  if (!await written(entries, folder)) fail("nothing is bundled; why is said above");
  await Deno.writeTextFile(join(folder, "thread_entry.ts"), 'import "./thread_entry.js";\n');
}

function named(path: string): [name: string, url: URL] {
  return [basename(path, extname(path)), pathToFileURL(path)];
}

/** Source maps are not linked: Deno would load all of them, 17 MiB, with the first error whose stack is read. */
async function written(entries: ReadonlyMap<string, string>, folder: string): Promise<boolean> {
  const made = await Deno.makeTempDir({ prefix: "selvage-bundle-" });
  try {
    const paths = [...entries.keys()].map((name) => join(made, `${name}.ts`));
    for (const [name, text] of entries) await Deno.writeTextFile(join(made, `${name}.ts`), text);
    await writeConfig(made);
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform=deno", "--minify", "--code-splitting"],
        ...["--sourcemap=external", `--config=${join(made, "deno.json")}`],
        ...[`--outdir=${folder}`, ...paths],
      ],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    return success;
  } finally {
    await Deno.remove(made, { recursive: true });
  }
}

/** A configuration that resolves as this project's does, but for what is replaced, and a copy of its lock file. */
async function writeConfig(folder: string): Promise<void> {
  const { name, exports, imports, compilerOptions } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", PROJECT)),
  );
  const own = Object.entries<string>(exports).map((
    [key, path],
  ) => [`${name}${key.slice(1)}`, path]);
  const files = Object.fromEntries(
    [...own, ...REPLACED.map(([file, other]) => [new URL(file!, PROJECT).href, other])]
      .map(([from, to]) => [from, new URL(to!, PROJECT).href]),
  );
  const config = { imports: { ...imports, ...files }, compilerOptions };
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(config));
  await Deno.copyFile(new URL("deno.lock", PROJECT), join(folder, "deno.lock"));
}

function fail(why: string): never {
  console.error(why);
  Deno.exit(2);
}
