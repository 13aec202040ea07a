import assert from "node:assert/strict";
import { join } from "node:path";
import { removeAbandoned } from "./abandoned_folders.ts";
import { TestProcess } from "../../tests/support/test_process.ts";

const LATER_MS = 120_000;

Deno.test("removeAbandoned() removes what killed workers left behind, and nothing else", async () => {
  const root = await Deno.makeTempDir();
  const folder = async (name: string): Promise<string> => {
    await Deno.mkdir(join(root, name), { mode: 0o700 });
    return join(root, name);
  };
  await folder("selvage-00aa");
  await leaveSocket(join(await folder("selvage-00bb"), "own"));
  using _listener = Deno.listen({
    transport: "unix",
    path: join(await folder("selvage-00cc"), "own"),
  });
  // Not of that name, not alone there, or no socket.
  await folder("selvage-peers-00dd");
  await Deno.writeTextFile(join(await folder("selvage-00ee"), "ca.pem"), "");
  await Deno.writeTextFile(join(await folder("selvage-00ff"), "own"), "");
  const left = async () =>
    (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name).sort();

  const before = await left();
  await removeAbandoned(root, Date.now());
  assert.deepEqual(await left(), before, "a worker may be starting");
  await removeAbandoned(root, Date.now() + LATER_MS);
  assert.deepEqual(await left(), [
    "selvage-00cc",
    "selvage-00ee",
    "selvage-00ff",
    "selvage-peers-00dd",
  ]);
});

/** A socket whose process was killed. */
async function leaveSocket(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); console.log();`;
  const { process } = await TestProcess.ready(Deno.execPath(), () => true, {
    args: ["eval", `${code} setInterval(() => {}, 1000);`],
  });
  await process.end();
  assert.ok((await Deno.lstat(path)).isSocket);
}
