import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage } from "../cli/command.ts";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONTAINERFILE = await Deno.readTextFile(
  new URL("../../deploy/container/Containerfile", import.meta.url),
);

Deno.test("every step of the Containerfile runs, and what it makes runs as its user, without fetching anything", async (t) => {
  const image = await Image.from(CONTAINERFILE);
  await using _image = image;

  await t.step("nothing of the repository is in it that the steps do not copy", async () => {
    const names = (await Array.fromAsync(Deno.readDir(image.path("/app")))).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["deno.json", "deno.lock", "deploy", "mod.ts", "src"]);
  });

  await t.step("its worker answers a call, and drains", async () => {
    await image.mount();
    const lines = new Journal<string>();
    const errors: string[] = [];
    await using worker = image.start((line) => lines.add(line), (line) => errors.push(line));
    void worker.ended.then(() => lines.end());
    const ready = await lines.until((line) => line.includes("worker.ready")).catch(() => {
      throw new Error(`it ended before it was ready:\n${errors.join("\n")}`);
    });
    const { address, security } = JSON.parse(ready);
    assert.equal(security, "mutual-tls");
    const { code, out, err } = await selvage([
      ...["call", "math.add", "[1, 2]", "--endpoint", address],
      ...["--ca", image.client("ca.crt"), "--cert", image.client("tls.crt")],
      ...["--key", image.client("tls.key"), "--identity", "spiffe://example.org/worker"],
    ]);
    assert.deepEqual([code, out.trim()], [0, "3"], err);
    worker.kill("SIGTERM");
    assert.equal((await worker.ended).code, 0);
  });
});

/** A user, where this process may start others as it: root may, unless it is confined. */
async function mayBecome(user: number): Promise<number | undefined> {
  const started = new Deno.Command("/bin/true", { uid: user, gid: user }).output();
  return await started.then(({ success }) => success, () => false) ? user : undefined;
}

/** What the steps of a Containerfile make, in a folder of this machine that stands for the image's root. */
class Image implements AsyncDisposable {
  readonly #root: string;
  readonly #env: Record<string, string> = {};
  #user: number | undefined;
  #command: readonly string[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  static async from(text: string): Promise<Image> {
    const image = new Image(await Deno.makeTempDir());
    // The image's user, whatever its id, may enter what was made for us alone.
    await Deno.chmod(image.#root, 0o755);
    const steps = text.replaceAll(/^#.*\n/gm, "").replaceAll(/\s*\\\n\s*/g, " ").trim();
    for (const step of steps.split("\n")) {
      const [instruction = "", rest = ""] = /^(\w+) (.*)$/.exec(step)?.slice(1) ?? [];
      await image.#run(instruction, rest);
    }
    return image;
  }

  /** Where a path of the image is on this machine. */
  path(inside: string): string {
    return join(this.#root, inside);
  }

  /** A file of a client that its worker allows. */
  client(name: string): string {
    return this.path(`/client/${name}`);
  }

  /** The credentials that are mounted into it, readable by its user alone, and those of a client. */
  async mount(): Promise<void> {
    const authority = createAuthority();
    const owners = [["worker", "/run/selvage/tls"], ["client/dispatcher", "/client"]] as const;
    for (const [name, folder] of owners) {
      const issued = authority.issue({ name: "any", spiffe: `spiffe://example.org/${name}` });
      await this.#write(`${folder}/tls.crt`, issued.certPem);
      await this.#write(`${folder}/tls.key`, issued.keyPem);
      await this.#write(`${folder}/ca.crt`, authority.certPem);
    }
    await this.#write("/run/selvage/trust/ca.crt", authority.certPem);
  }

  /** Runs ENTRYPOINT and CMD as USER. */
  start(onLine: (line: string) => void, onErrorLine: (line: string) => void): TestProcess {
    const [program = "", ...args] = this.#command.map((word) => this.#placed(word));
    return new TestProcess(program, {
      args,
      env: this.#env,
      ...(this.#user === undefined ? {} : { user: this.#user }),
      onLine,
      onErrorLine,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }

  async #run(instruction: string, rest: string): Promise<void> {
    switch (instruction) {
      case "FROM":
        // The image has one program that the steps use: the Deno of that tag.
        assert.equal(rest, `docker.io/denoland/deno:${Deno.version.deno}`);
        await Deno.mkdir(this.path("/usr/bin"), { recursive: true });
        await Deno.copyFile(Deno.execPath(), this.path("/usr/bin/deno"));
        return;
      case "ENV":
        for (const [, name = "", value = ""] of rest.matchAll(/(\w+)=(\S+)/g)) {
          this.#env[name] = this.#placed(value);
        }
        return;
      case "COPY":
        return await this.#copy(rest.split(" "));
      case "RUN":
        return await this.#shell(rest);
      case "USER":
        this.#user = await mayBecome(Number(rest.split(":")[0]));
        return;
      case "ENTRYPOINT":
      case "CMD":
        this.#command = [...this.#command, ...JSON.parse(rest) as string[]];
        return;
      case "WORKDIR":
        await Deno.mkdir(this.path(rest), { recursive: true });
        return;
      case "EXPOSE":
      case "STOPSIGNAL":
        return;
      default:
        throw new Error(`no step of this test for ${instruction}`);
    }
  }

  /** A folder's entries, or files, as COPY takes them; from a fresh clone, so nothing that git does not know. */
  async #copy(words: readonly string[]): Promise<void> {
    const target = words.at(-1)!;
    for (const source of words.slice(0, -1)) {
      const { stdout } = await new Deno.Command("git", {
        args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard", source],
        cwd: ROOT,
      }).output();
      const files = new TextDecoder().decode(stdout).split("\0").filter((file) => file !== "");
      assert.ok(files.length > 0, `COPY ${source} copies nothing`);
      for (const file of files) {
        const isFolder = file !== source;
        const inside = join(target, isFolder ? file.slice(source.length) : basename(file));
        await Deno.mkdir(dirname(this.path(inside)), { recursive: true });
        await Deno.copyFile(join(ROOT, file), this.path(inside)).catch((error) => {
          // Removed from the work tree, and not yet from the index.
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        });
      }
    }
  }

  async #shell(script: string): Promise<void> {
    const { code, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", script.replaceAll(/(?<= )\/(?=app|deno-dir)/g, `${this.#root}/`)],
      env: { ...this.#env, PATH: `${this.path("/usr/bin")}:/usr/bin:/bin` },
      cwd: this.path("/app"),
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }

  async #write(inside: string, text: string): Promise<void> {
    const path = this.path(inside);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    if (this.#user !== undefined) await Deno.chown(path, this.#user, this.#user);
  }

  /** A word with the image's folders and ports replaced by those of this machine. */
  #placed(word: string): string {
    return word.replace(/^deno$/, this.path("/usr/bin/deno"))
      .replaceAll(/(?<=^|[=,])\/(?=app\/|run\/selvage|deno-dir)/g, `${this.#root}/`)
      .replaceAll(/0\.0\.0\.0:(?:8443|9090)/g, "127.0.0.1:0");
  }
}
