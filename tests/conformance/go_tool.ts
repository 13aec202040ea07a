import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../.selvage/bin", import.meta.url));

/** The Go command, where there is one. */
export async function findGo(): Promise<string | undefined> {
  for (const candidate of ["go", "/usr/local/go/bin/go"]) {
    try {
      await output(candidate, ["version"]);
      return candidate;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Installs a Go command of a version, and gives the path of its binary. */
export async function installGoTool(go: string, path: string, version: string): Promise<string> {
  await Deno.mkdir(BIN, { recursive: true });
  await output(go, ["install", `${path}@${version}`], { GOBIN: BIN });
  return `${BIN}/${path.split("/").at(-1)}`;
}

/** What a command prints; throws where it fails. */
export async function output(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const child = new Deno.Command(command, { args: [...args], env, stderr: "inherit" });
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}
