import assert from "node:assert/strict";
import { FolderWatch } from "../mod.ts";

/** Far longer than the system takes to report a change. */
const PATIENCE_MS = 20_000;

/** A watch of one file, which waits for what it reports. */
class Watched implements AsyncDisposable {
  readonly #path: string;
  readonly #watch = new FolderWatch(() => this.#reported.resolve(true));
  #reported = Promise.withResolvers<boolean>();

  constructor(path: string) {
    this.#path = path;
  }

  follow(): Promise<boolean> {
    return this.#watch.follow([this.#path]);
  }

  /** Whether something that is done is reported. */
  async reports(act: () => void): Promise<boolean> {
    this.#reported = Promise.withResolvers();
    const timer = setTimeout(() => this.#reported.resolve(false), PATIENCE_MS);
    act();
    const reported = await this.#reported.promise;
    clearTimeout(timer);
    return reported;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
  }
}

Deno.test("FolderWatch reports on when a folder that several watch is deleted and made again", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/secrets`;
  const fill = () => {
    Deno.mkdirSync(folder);
    for (const name of ["a", "b"]) Deno.writeTextFileSync(`${folder}/${name}`, name);
  };
  fill();
  {
    await using first = new Watched(`${folder}/a`);
    await using second = new Watched(`${folder}/b`);
    assert.deepEqual([await first.follow(), await second.follow()], [true, true]);
    for (let round = 0; round < 3; round++) {
      const replaced = await Promise.all([
        first.reports(() => Deno.removeSync(folder, { recursive: true })),
        second.reports(fill),
      ]);
      assert.deepEqual(replaced, [true, true]);
      assert.deepEqual([await first.follow(), await second.follow()], [true, true]);
      // The first of these may still be a report of what was before.
      for (let change = 0; change < 4; change++) {
        assert.ok(await first.reports(() => Deno.writeTextFileSync(`${folder}/a`, `${change}`)));
        assert.ok(await second.reports(() => Deno.writeTextFileSync(`${folder}/b`, `${change}`)));
      }
    }
  }
  await Deno.remove(parent, { recursive: true });
});
