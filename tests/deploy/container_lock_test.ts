import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CHECK = `${ROOT}scripts/check_container.ts`;

Deno.test("the image's lock file has what a module of one's own imports, whichever of the bundled ones it is", async () => {
  for (const own of ["routines", "caller"]) {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/deploy/app`, { recursive: true });
      await Deno.mkdir(`${folder}/deploy/container`);
      for (const name of ["deno.json", "deno.lock", "mod.ts", "src", "scripts"]) {
        await Deno.symlink(`${ROOT}${name}`, `${folder}/${name}`);
      }
      for (const name of ["Containerfile", "deno.json", "deno.lock"]) {
        await Deno.copyFile(
          `${ROOT}deploy/container/${name}`,
          `${folder}/deploy/container/${name}`,
        );
      }
      for (const name of ["routines", "caller"]) {
        // A package that the project has, and its image does not.
        const text = name === own ? 'export * from "fast-check";\n' : "export {};\n";
        await Deno.writeTextFile(`${folder}/deploy/app/${name}.ts`, text);
      }
      assert.match(await check(folder), /deploy\/container\/deno\.json is not that of the code/);
      assert.equal(await check(folder, "--write"), "");
      const { imports } = JSON.parse(
        await Deno.readTextFile(`${folder}/deploy/container/deno.json`),
      );
      assert.ok("fast-check" in imports && "esbuild" in imports);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
});

/** What the check of a project says. */
async function check(folder: string, ...args: readonly string[]): Promise<string> {
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", CHECK, ...args],
    cwd: folder,
  }).output();
  return new TextDecoder().decode(stderr);
}
