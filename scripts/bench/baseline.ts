/** Another commit in a temporary folder, measured by the scenarios of this one. */
export class Baseline implements AsyncDisposable {
  /** Where it lies. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Unpacks a commit, and puts the drivers of this one over its own.
   *
   * @param ref the commit, as git names it.
   */
  static async of(ref: string): Promise<Baseline> {
    const here = new URL("../..", import.meta.url).pathname;
    const folder = await Deno.makeTempDir({ prefix: "selvage-baseline-" });
    const baseline = new Baseline(folder);
    try {
      await run(here, "git", ["archive", "--output", `${folder}/tree.tar`, ref]);
      await run(folder, "tar", ["xf", "tree.tar"]);
      await run(here, "cp", ["-r", "scripts/bench", `${folder}/scripts/`]);
      return baseline;
    } catch (error) {
      await baseline[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function run(cwd: string, program: string, args: string[]): Promise<void> {
  const command = new Deno.Command(program, { cwd, args, stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) {
    throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr).trim()}`);
  }
}
