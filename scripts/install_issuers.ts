/**
 * Installs the issuers of certificates that the tests in `tests/issuers` run and that no package of
 * Debian brings: from PyPI and crates.io, and with `--go` from Go modules, into `.selvage/issuers`.
 * Says which it could not install, and exits 0: the tests then say that they did not run.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../tests/issuers", import.meta.url));
const target = fileURLToPath(new URL("../.selvage/issuers", import.meta.url));
const PYTHON = ["trustme==1.2.1", "cryptography==50.0.2"];
const CERTBOT = ["certbot==5.8.0"];

await Deno.mkdir(target, { recursive: true });
await install("python", () => installPython("python", PYTHON));
await install("certbot", () => installPython("certbot", CERTBOT));
await install("rcgen", async () => {
  const folder = join(sources, "rcgen");
  const build = join(target, "rcgen-build");
  await run("cargo", ["build", "--release", "--locked", "--target-dir", build], folder);
  await Deno.copyFile(join(build, "release/issue-rcgen"), join(target, "rcgen"));
  await Deno.remove(build, { recursive: true });
});
if (Deno.args.includes("--go")) {
  for (const { name } of Deno.readDirSync(join(sources, "go"))) {
    if (name === "files") continue;
    await install(name, async () => {
      const folder = join(sources, "go", name);
      // A program of its own, or a tool of another module that `go.mod` names.
      const [, tool] = /^tool (\S+)$/m.exec(await Deno.readTextFile(join(folder, "go.mod"))) ?? [];
      await run("go", ["build", "-o", join(target, name), tool ?? "."], folder);
    });
  }
}

async function installPython(name: string, packages: readonly string[]): Promise<void> {
  await run("python3", ["-m", "venv", join(target, name)]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
  try {
    await run(join(target, name, "bin/python"), pip);
  } catch (error) {
    // Half an installation would be taken for a whole one.
    await Deno.remove(join(target, name), { recursive: true });
    throw error;
  }
}

async function install(name: string, how: () => Promise<void>): Promise<void> {
  const before = performance.now();
  try {
    if (exists(join(target, name))) return;
    await how();
    console.error(`issuers: ${name} installed in ${Math.round(performance.now() - before)} ms`);
  } catch (error) {
    const { message } = error as Error;
    console.error(`issuers: ${name} could not be installed: ${message.split("\n")[0]}`);
  }
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const path = `${Deno.env.get("PATH")}:/usr/local/go/bin:${Deno.env.get("HOME")}/.cargo/bin`;
  const { success, stderr } = await new Deno.Command("env", {
    args: [`PATH=${path}`, program, ...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { GOTOOLCHAIN: "local" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr) || `${program} failed`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
