import assert from "node:assert/strict";

const HERE = new URL("./", import.meta.url);
/** A row of the table: trap, file, canary. */
const ROW = /^\| [^|]+ \| `([^`|]+)`\s+\| ([^|]*[^|\s])\s*\|$/gm;
/** The title of a test. */
const TITLE = /Deno\.test\(\s*(?:"([^"]*)"|`((?:[^`\\]|\\.)*)`)/g;

/** The canaries of the table and of the tests, each as `file: title`. */
async function canariesOf(): Promise<{ table: string[]; tests: string[] }> {
  const readme = await Deno.readTextFile(new URL("README.md", HERE));
  const table = [...readme.matchAll(ROW)].map(([, file, title]) => `${file}: ${title}`);
  const tests: string[] = [];
  for await (const { name } of Deno.readDir(HERE)) {
    if (!name.endsWith("_canary_test.ts")) continue;
    const source = await Deno.readTextFile(new URL(name, HERE));
    for (const [, plain, template] of source.matchAll(TITLE)) {
      const title = plain ?? template?.replaceAll(/\$\{[^}]*\}/g, "…").replaceAll("\\`", "`");
      tests.push(`${name}: ${title}`);
    }
  }
  return { table, tests };
}

Deno.test("the table of canaries names every canary, and nothing else", async () => {
  const { table, tests } = await canariesOf();
  assert.ok(table.length > 20, `${table.length} rows were read`);
  assert.deepEqual(table.toSorted(), tests.toSorted());
});
