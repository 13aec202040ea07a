import assert from "node:assert/strict";
import { inspectSocket } from "./socket_ownership.ts";

/** A socket in the fourth of nested folders, each ours alone; the outermost is removed at the end. */
async function nested(use: (folders: readonly string[], socket: string) => Promise<void>) {
  const folders = [await Deno.realPath(await Deno.makeTempDir())];
  try {
    for (const name of ["a", "b", "c"]) {
      folders.push(`${folders.at(-1)}/${name}`);
      await Deno.mkdir(folders.at(-1)!, { mode: 0o700 });
    }
    const socket = `${folders.at(-1)}/worker.sock`;
    using _listener = Deno.listen({ transport: "unix", path: socket });
    await use(folders, socket);
  } finally {
    await Deno.remove(folders[0]!, { recursive: true });
  }
}

const whyNot = async (socket: string) => {
  const found = await inspectSocket(socket);
  return found.ours ? "ours" : found.why;
};

Deno.test("inspectSocket() examines every folder above a socket", async () => {
  await nested(async (folders, socket) => {
    assert.equal(await whyNot(socket), "ours");
    for (const folder of folders) {
      await Deno.chmod(folder, 0o777);
      assert.match(await whyNot(socket), /can be written to by others/, folder);
      // Entries of a sticky folder belong to those who created them; one that holds sockets is still refused.
      await Deno.chmod(folder, 0o1777);
      const isOwnFolder = folder === folders.at(-1);
      assert.match(await whyNot(socket), isOwnFolder ? /can be written to by others/ : /^ours$/);
      await Deno.chmod(folder, 0o700);
    }
    assert.equal(await whyNot(socket), "ours");
  });
});

Deno.test("inspectSocket() examines the folders above what a link on the way leads to", async () => {
  await nested(async ([outermost, a, b], socket) => {
    const linked = `${outermost}/link`;
    await Deno.symlink(b!, linked);
    const through = socket.replace(b!, linked);
    assert.equal(await whyNot(through), "ours");
    await Deno.chmod(a!, 0o777);
    assert.match(await whyNot(through), /can be written to by others/);
  });
});

// Only the superuser may give a folder away.
const mayGiveAway = Deno.uid() === 0;
/** Some user that is neither the superuser nor ourselves. */
const SOMEBODY = 65_533;

Deno.test({
  name: "inspectSocket() takes no socket of another user's, nor one below a folder of theirs",
  ignore: !mayGiveAway,
  fn: async () => {
    await nested(async (folders, socket) => {
      for (const path of [...folders, socket]) {
        await Deno.chown(path, SOMEBODY, null);
        const why = path === socket
          ? /is not our socket/
          : path === folders.at(-1)
          ? /is not ours/
          : /is another user's/;
        assert.match(await whyNot(socket), why, path);
        await Deno.chown(path, Deno.uid(), null);
      }
      assert.equal(await whyNot(socket), "ours");
    });
  },
});

Deno.test("inspectSocket() distinguishes a socket from a file, and one that is missing", async () => {
  await nested(async (folders, socket) => {
    const file = `${folders.at(-1)}/file`;
    await Deno.writeTextFile(file, "");
    assert.match(await whyNot(file), /is not our socket/);
    assert.match(await whyNot(`${socket}.missing`), /does not exist/);
  });
});
