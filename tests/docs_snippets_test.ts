/** The snippets of the pages that no other test runs: programs are run by `deno task test`, the README's by its own. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { allCommands } from "../src/cli/commands.ts";
import { readCases } from "../src/cli/commands/policy_cases.ts";
import { readConfig } from "../src/cli/config/config_file.ts";
import { leavesOf } from "../src/cli/config/leaves.ts";
import { parseJsonc, parsePolicy } from "../src/policy/mod.ts";
import { parseCommand, wordsOf } from "./cli/parse_command.ts";
import { assertTyped, documentsOf, type Manifest, validate } from "./deploy/manifests.ts";
import { walk } from "./support/walk.ts";

const ROOT = new URL("../", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const runner = await Deno.readTextFile(new URL("scripts/test.ts", ROOT));

interface Snippet {
  readonly page: string;
  readonly kind: string;
  readonly text: string;
}

const snippets: Snippet[] = [];
for (const folder of ["docs/", "deploy/"]) {
  for await (const path of walk(new URL(folder, ROOT))) {
    if (!path.endsWith(".md")) continue;
    const page = folder + path;
    const text = await Deno.readTextFile(new URL(page, ROOT));
    for (const [, kind = "", body = ""] of text.matchAll(/^ *```(\S.*)\n([^]*?)\n *```$/gm)) {
      snippets.push({ page, kind, text: body });
    }
  }
}

function of(...kinds: readonly string[]): readonly Snippet[] {
  const found = snippets.filter(({ kind }) => kinds.includes(kind));
  assert.ok(found.length > 0, kinds.join());
  return found;
}

Deno.test("every program of a page is run, and none is marked to be left out", () => {
  assert.deepEqual(snippets.filter(({ kind }) => /^(?:ts|js).* /.test(kind)), []);
  for (const { page } of of("ts")) assert.ok(runner.includes(`"${page}"`), page);
});

Deno.test("every command of a page is one that there is", async () => {
  let commands = 0;
  for (const { page, text } of of("sh")) {
    // What a page has bundled is no file of the clone.
    const bundled = new Set<string>();
    for (const line of text.replaceAll(/\s*\\\n\s*/g, " ").split("\n")) {
      const [, selvage] =
        /(?:(?:^|[;&|(] *|\w=\S+ )selvage|\/selvage\.js) ([a-z][^#|)]*)/.exec(line) ?? [];
      const [, task] = /deno task (\S+)/.exec(line) ?? [];
      const [, path] = /deno (?:run|test) (?:-\S+ )*([\w/.]+)/.exec(line) ?? [];
      if (selvage !== undefined) {
        await parseCommand(wordsOf(selvage)).catch((error) => {
          throw new Error(`${page}: ${line}`, { cause: error });
        });
        commands += 1;
      }
      if (task !== undefined) assert.ok(task in tasks, `${page}: ${line}`);
      const [, folder, modules = ""] = /deno task bundle (\S+)((?: \S+)*)/.exec(line) ?? [];
      for (const module of folder === undefined ? [] : ["selvage.ts", ...modules.split(" ")]) {
        bundled.add(`${folder}/${basename(module, ".ts")}.js`);
      }
      if (path !== undefined && !bundled.has(path)) await Deno.stat(new URL(path, ROOT));
    }
  }
  assert.ok(commands >= 4, `${commands}`);
});

Deno.test("every file of a page is what the command that reads it takes", async () => {
  for (const { page, kind, text } of of("json", "jsonc")) {
    const value = parseJsonc(text, page, "snippet");
    if (kind === "json") continue; // an output
    if (Array.isArray(value)) assert.ok(readCases(text, page).length > 0);
    else if (typeof value === "object" && value !== null && "rules" in value) {
      parsePolicy(text, { claims: true });
    } else {
      const file = await Deno.makeTempFile({ suffix: ".jsonc" });
      await Deno.writeTextFile(file, text);
      await readConfig(file, leavesOf(allCommands()));
      await Deno.remove(file);
    }
  }
});

Deno.test("every YAML of a page fits the published schema and type of its kind", async () => {
  const manifests = of("yaml").flatMap(({ text }) => documentsOf(text)).map(manifestOf);
  for (const one of manifests) validate(one);
  await assertTyped(manifests);
});

/** A manifest as it is; a part of a pod stands in the smallest one that it fits in. */
function manifestOf(document: Manifest): Manifest {
  if (document.apiVersion !== undefined) return document;
  const containers = document.containers ?? [{ name: "any", image: "any" }];
  const spec = { containers, ...document };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "any" }, spec };
}
