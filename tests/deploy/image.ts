import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestProcess, type TestProcessOptions } from "../support/test_process.ts";
import { walk } from "../support/walk.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONTAINERFILE = new URL("../../deploy/container/Containerfile", import.meta.url);

/** Where the steps, and the command, name folders of the image. */
const FOLDERS = /(?<=^|[ =,])\/(?=(?:app|build|bundle|deno-dir|run\/selvage)(?:[/, ]|$))/g;

let built: Promise<Image> | undefined;

/** The image of `deploy/container`, which the files of this folder share; it is gone with this process. */
export async function builtImage(): Promise<Image> {
  built ??= Deno.readTextFile(CONTAINERFILE).then((text) => Image.from(text));
  return await built;
}

/** What one `FROM` and the steps after it make. */
interface Stage {
  /** The folder that stands for its root. */
  readonly root: string;
  readonly env: Record<string, string>;
  folder: string;
}

/** What the steps of a Containerfile make, in folders of this machine that stand for the roots of its stages. */
export class Image {
  readonly #folder: string;
  readonly #stages = new Map<string, Stage>();
  #stage: Stage = { root: "", env: {}, folder: "/" };
  /** The user that it runs as, where this process may start others as that; otherwise our own. */
  user: number | undefined;
  /** `ENTRYPOINT` and `CMD`. */
  command: readonly string[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async from(text: string): Promise<Image> {
    const folder = await Deno.makeTempDir();
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    const image = new Image(folder);
    // The image's user, whatever its id, may enter what was made for us alone.
    await Deno.chmod(folder, 0o755);
    const steps = text.replaceAll(/^#.*\n/gm, "").replaceAll(/\s*\\\n\s*/g, " ").trim();
    for (const step of steps.split(/\n+/)) {
      const [instruction = "", rest = ""] = /^(\w+) (.*)$/.exec(step)?.slice(1) ?? [];
      await image.#run(instruction, rest);
    }
    return image;
  }

  /** Where a path of the image, or of a stage before it, is on this machine. */
  path(inside: string, stage?: string): string {
    return join((stage === undefined ? this.#stage : this.#stages.get(stage)!).root, inside);
  }

  /** A word with the image's folders replaced by those of this machine, and its ports by any that is free. */
  placed(word: string): string {
    return word.replace(/^deno$/, this.#deno)
      .replaceAll(FOLDERS, `${this.#stage.root}/`)
      .replaceAll(/0\.0\.0\.0:(?:8443|9090)/g, "127.0.0.1:0");
  }

  /** Runs a command in it as its user. */
  start(
    command: readonly string[],
    { env, ...options }: Omit<TestProcessOptions, "args" | "cwd" | "user">,
  ): TestProcess {
    const [program = "", ...args] = command.map((word) => this.placed(word));
    return new TestProcess(program, {
      args,
      cwd: this.path(this.#stage.folder),
      env: { ...this.#stage.env, ...env },
      ...(this.user === undefined ? {} : { user: this.user }),
      ...options,
    });
  }

  get #deno(): string {
    return join(this.#folder, "bin", "deno");
  }

  async #run(instruction: string, rest: string): Promise<void> {
    switch (instruction) {
      case "FROM":
        return await this.#from(rest);
      case "ENV":
        for (const [, name = "", value = ""] of rest.matchAll(/(\w+)=(\S+)/g)) {
          this.#stage.env[name] = this.placed(value);
        }
        return;
      case "COPY":
        return await this.#copy(rest.split(" "));
      case "RUN":
        return await this.#shell(rest);
      case "USER":
        this.user = await mayBecome(Number(rest.split(":")[0]));
        return;
      case "ENTRYPOINT":
      case "CMD":
        this.command = [...this.command, ...JSON.parse(rest) as string[]];
        return;
      case "WORKDIR":
        this.#stage.folder = rest;
        await Deno.mkdir(this.path(rest), { recursive: true });
        return;
      case "EXPOSE":
      case "STOPSIGNAL":
        return;
      default:
        throw new Error(`no step of this test for ${instruction}`);
    }
  }

  /** Each stage begins with the image of one tag, which has one program that the steps use: the Deno of that tag. */
  async #from(words: string): Promise<void> {
    const [image, as, name = "last", ...more] = words.split(" ");
    assert.equal(image, `docker.io/denoland/deno:${Deno.version.deno}`);
    assert.ok((as ?? "AS") === "AS" && more.length === 0, words);
    if (this.#stages.size === 0) {
      await Deno.mkdir(dirname(this.#deno));
      await Deno.copyFile(Deno.execPath(), this.#deno);
    }
    const root = join(this.#folder, name);
    this.#stage = { root, env: { DENO_DIR: join(root, "deno-dir") }, folder: "/" };
    this.#stages.set(name, this.#stage);
  }

  /** A folder's entries, or files, as COPY takes them: of another stage, or of a fresh clone. */
  async #copy(words: readonly string[]): Promise<void> {
    const [, stage] = /^--from=(\w+)$/.exec(words[0]!) ?? [];
    const target = words.at(-1)!;
    for (const source of words.slice(stage === undefined ? 0 : 1, -1)) {
      const from = stage === undefined ? ROOT : this.path("/", stage);
      const files = await (stage === undefined ? trackedFiles(source) : filesOf(from, source));
      assert.ok(files.length > 0, `COPY ${source} copies nothing`);
      for (const file of files) {
        const inside = join(target, file === source ? basename(file) : file.slice(source.length));
        await Deno.mkdir(dirname(this.path(inside)), { recursive: true });
        await Deno.copyFile(join(from, file), this.path(inside));
      }
    }
  }

  async #shell(script: string): Promise<void> {
    const { code, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", script.replaceAll(FOLDERS, `${this.#stage.root}/`)],
      env: { ...this.#stage.env, PATH: `${dirname(this.#deno)}:/usr/bin:/bin` },
      cwd: this.path(this.#stage.folder),
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
}

/** The files of a folder of a stage, or one file, by their paths in it. */
async function filesOf(root: string, source: string): Promise<readonly string[]> {
  if ((await Deno.stat(join(root, source))).isFile) return [source];
  const folder = new URL(`file://${join(root, source)}/`);
  return (await Array.fromAsync(walk(folder))).map((file) => join(source, file));
}

/** What git tracks of a folder, or a file, and what it would: nothing that it does not know. */
async function trackedFiles(source: string): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard", source],
    cwd: ROOT,
  }).output();
  const files = new TextDecoder().decode(stdout).split("\0").filter((file) => file !== "");
  const there = await Promise.all(files.map((file) =>
    // Removed from the work tree, and not yet from the index.
    Deno.stat(join(ROOT, file)).then(() => true, () => false)
  ));
  return files.filter((_, at) => there[at]);
}

/** A user, where this process may start others as it: root may, unless it is confined. */
async function mayBecome(user: number): Promise<number | undefined> {
  const started = new Deno.Command("/bin/true", { uid: user, gid: user }).output();
  return await started.then(({ success }) => success, () => false) ? user : undefined;
}
