import assert from "node:assert/strict";
import { NoTextFile, readTextFile } from "./text_file.ts";

Deno.test("readTextFile() reads files up to a size, and waits for no pipe", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/text`, "grün");
    assert.equal(await readTextFile(`${folder}/text`, 5), "grün");
    assert.ok((await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output()).success);
    const refusals: readonly (readonly [path: string, why: string])[] = [
      [`${folder}/text`, "is larger than 4 bytes"],
      [`${folder}/pipe`, "is not a file"],
      [folder, "is not a file"],
      ["/dev/zero", "is not a file"],
    ];
    for (const [path, why] of refusals) {
      await assert.rejects(readTextFile(path, 4), (error) => {
        assert.ok(error instanceof NoTextFile, `${path}: ${error}`);
        assert.equal(error.why, why, path);
        return true;
      });
    }
    await assert.rejects(readTextFile(`${folder}/absent`, 4), { code: "ENOENT" });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("readTextFile() leaves out the byte order mark that editors of Windows write", async () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, '\ufeff{"keys":[]}');
    assert.equal(await readTextFile(file, 64), '{"keys":[]}');
  } finally {
    Deno.removeSync(file);
  }
});
