import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = new URL("../", import.meta.url);
const KEYS = ["pki/worker.key", "worker.key", "src/worker.key", "proto/a/ca.key", "src/a/both.pem"];

Deno.test("deno publish takes the code, and no key wherever one was left", async () => {
  const published = await publishedFiles();
  assert.ok(published.includes("mod.ts") && published.includes("src/a.ts"), published.join());
  assert.deepEqual(published.filter((path) => KEYS.includes(path)), []);
  assert.ok(
    !published.includes("notes.txt"),
    "files are published from a list of what belongs there",
  );
});

Deno.test("git ignores every key that the command writes", async () => {
  const { code, stdout } = await new Deno.Command("git", {
    args: ["check-ignore", "--no-index", ...KEYS, "pki/ca.pem"],
    cwd: ROOT,
  }).output();
  assert.equal(code, 0);
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [...KEYS, "pki/ca.pem"]);
});

/**
 * What would be published of a small package under our own `publish` settings, by a dry run: with no
 * `.gitignore`, so that the settings alone keep keys out.
 */
async function publishedFiles(): Promise<readonly string[]> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const { publish } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
    const settings = {
      name: "@a/b",
      version: "0.0.1",
      license: "MIT",
      exports: "./mod.ts",
      publish,
    };
    await write(folder, "deno.json", JSON.stringify(settings));
    for (const path of ["mod.ts", "src/a.ts"]) await write(folder, path, "export const a = 1;\n");
    for (const path of [...KEYS, "notes.txt"]) await write(folder, path, "not a key\n");
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stderr);
    assert.equal(code, 0, text);
    return [...text.matchAll(/file:\/\/(\S+)/g)].map(([, path]) => path!.slice(folder.length + 1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(folder: string, path: string, text: string): Promise<void> {
  await Deno.mkdir(join(folder, path, ".."), { recursive: true });
  await Deno.writeTextFile(join(folder, path), text);
}
