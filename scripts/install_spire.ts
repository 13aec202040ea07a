/**
 * Builds SPIRE's server and agent into `.selvage/bin`, for the tests that run against them. Needs Go and a
 * C compiler; says so and exits 0 where there is no Go, and does nothing where they are built already.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MODULE = "github.com/spiffe/spire";
const VERSION = "v1.13.3";
const PROGRAMS = ["spire-server", "spire-agent"];
const bin = fileURLToPath(new URL("../.selvage/bin", import.meta.url));

const missing = PROGRAMS.filter((program) => !isThere(join(bin, program), "--version"));
const go = ["go", "/usr/local/go/bin/go"].find((command) => isThere(command, "version"));
if (missing.length > 0 && go === undefined) {
  console.error("spire: not installed, there is no Go here to build it with");
  Deno.exit(0);
}
if (missing.length > 0) {
  const folder = await Deno.makeTempDir({ prefix: "selvage-spire-" });
  try {
    await build(missing, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
console.error(`spire: ${PROGRAMS.join(" and ")} ${VERSION} are in .selvage/bin`);

/**
 * Builds from a module of our own that requires SPIRE: `go install` of a version looks for others of it too,
 * which not every module mirror can tell. The checksums are those that SPIRE's release names.
 */
async function build(programs: readonly string[], folder: string): Promise<void> {
  const goMod = `module selvage.invalid/spire\n\ngo 1.24\n\nrequire ${MODULE} ${VERSION}\n`;
  await Deno.writeTextFile(join(folder, "go.mod"), goMod);
  const { Dir: sources } = JSON.parse(
    await run(folder, ["mod", "download", "-json", `${MODULE}@${VERSION}`]),
  );
  await Deno.copyFile(join(sources, "go.sum"), join(folder, "go.sum"));
  await Deno.chmod(join(folder, "go.sum"), 0o644);
  await Deno.mkdir(bin, { recursive: true });
  for (const program of programs) {
    console.error(`spire: building ${program} ${VERSION}, which takes minutes the first time`);
    const target = `${MODULE}/cmd/${program}`;
    await run(folder, ["build", "-mod=mod", "-ldflags=-s -w", "-o", join(bin, program), target]);
  }
}

async function run(cwd: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(go ?? "go", {
    args: [...args],
    cwd,
    env: { GOTOOLCHAIN: "local", CGO_ENABLED: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`go ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
}

/** Whether a program is there and runs. What version SPIRE names is its build's, not its release's. */
function isThere(program: string, question: string): boolean {
  try {
    const command = new Deno.Command(program, { args: [question], stdout: "null", stderr: "null" });
    return command.outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
