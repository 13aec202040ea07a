import assert from "node:assert/strict";
import { listenPrivately } from "./unix_path.ts";

const modeOf = (path: string): number => Deno.lstatSync(path).mode! & 0o777;

/** Listens in a folder of such a mode, and makes another folder at the same moment. */
async function listenIn(folder: string, mode: number): Promise<{ socket: number; other: number }> {
  const inner = `${folder}/${mode.toString(8)}`;
  Deno.mkdirSync(inner);
  Deno.chmodSync(inner, mode);
  const [path, other] = [`${inner}/socket`, `${inner}/other`];
  let listener: Deno.Listener | undefined;
  await listenPrivately(path, () => {
    listener = Deno.listen({ transport: "unix", path });
    Deno.mkdirSync(other);
    return Promise.resolve();
  });
  const found = { socket: modeOf(path), other: modeOf(other) };
  listener?.close();
  return found;
}

Deno.test("listenPrivately() lets nobody else connect, and takes nothing from what is created at the same moment", async () => {
  const folder = await Deno.makeTempDir();
  const before = Deno.umask();
  try {
    const shared = await listenIn(folder, 0o755);
    assert.deepEqual(shared, { socket: 0o700, other: 0o700 });
    const own = await listenIn(folder, 0o700);
    assert.deepEqual(own, { socket: 0o600, other: 0o777 & ~before });
    assert.equal(Deno.umask(), before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
