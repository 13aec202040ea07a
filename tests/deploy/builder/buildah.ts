import { join } from "node:path";
import { findTool, runTool, type Tool } from "../../foreign/tool.ts";
import { writeBase } from "./base.ts";

const PATH = findTool("buildah");

/** A builder of images, where this machine has one and lets it mount a root of its own. */
export const BUILDAH: Tool = {
  name: "buildah that may build as root",
  path: PATH !== undefined && await mayMount() ? PATH : undefined,
};

/** What of an image says how it is run. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly StopSignal: string;
}

/** Builds images in a storage of its own, which is gone with its disposal. */
export class Builder implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Builder> {
    return new Builder(await Deno.makeTempDir());
  }

  /** The arguments of a command of buildah, with this storage. */
  args(...words: readonly string[]): string[] {
    const storage = ["--storage-driver", "vfs", "--root", `${this.#folder}/storage`];
    return [...storage, "--runroot", `${this.#folder}/run`, ...words];
  }

  /** Runs buildah to its end; gives the last line it prints. */
  async run(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runTool(PATH ?? "", this.args(...words));
    if (code !== 0) throw new Error(`buildah ${words[0]} failed: ${stderr.slice(-2000)}`);
    return stdout.trim();
  }

  /** Makes the stand-in for the image that the Containerfile starts from. */
  async base(name: string): Promise<void> {
    const { file, root } = await writeBase(join(this.#folder, "base"));
    await this.build(file, root, name);
  }

  /** Builds a file; fetches no image. */
  async build(file: string, context: string, name: string): Promise<void> {
    const how = ["--isolation", "chroot", "--network", "host", "--pull-never"];
    await this.run("build", ...how, "-f", file, "-t", name, context);
  }

  /** How an image is run. */
  async config(image: string): Promise<ImageConfig> {
    const printed = await this.run("inspect", "--type", "image", image);
    return JSON.parse(printed).OCIv1.config;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("rm", "--all");
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Whether this process may do what a builder does: root may, unless it is confined. */
async function mayMount(): Promise<boolean> {
  const script = "mount --bind /tmp /mnt";
  const tried = runTool("unshare", ["--mount", "sh", "-c", script]);
  return await tried.then(({ code }) => code === 0, () => false);
}
