const DEPLOY = new URL("../../../deploy/", import.meta.url);

/** The shell commands of a runbook, as a reader copies them. */
export interface Runbook {
  /** The lines of its `sh` blocks, in order, those of a block together. */
  readonly blocks: readonly (readonly string[])[];
  /** Commands within sentences, in order. */
  readonly inline: readonly string[];
}

/**
 * Reads the commands of a page of `deploy/`.
 *
 * @param page Its path there, `ecs/README.md` for instance.
 * @param programs The first words by which a command within a sentence is known.
 */
export async function readRunbook(page: string, programs: readonly string[]): Promise<Runbook> {
  const text = await Deno.readTextFile(new URL(page, DEPLOY));
  const blocks = [...text.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, block]) =>
    block!.split("\n")
  );
  const inline = [...text.replaceAll(/^```[^]*?^```$/gm, "").matchAll(/`([^`]+)`/g)]
    .map(([, code]) => code!.replaceAll(/\s*\n\s*/g, " "))
    .filter((code) => programs.some((program) => code.startsWith(`${program} `)));
  return { blocks, inline };
}
