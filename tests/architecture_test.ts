import assert from "node:assert/strict";

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

Deno.test("ARCHITECTURE.md has a row for every folder of src", () => {
  const text = Deno.readTextFileSync(new URL("ARCHITECTURE.md", root));
  const folders = [...Deno.readDirSync(new URL("src", root))].filter(({ isDirectory }) =>
    isDirectory
  );
  assert.deepEqual(
    folders.map(({ name }) => name).filter((name) => !text.includes(`| \`${name}/\``)),
    [],
  );
});
