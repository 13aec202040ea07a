/**
 * Installs the clients that no package of Debian brings and that the tests of refused clients, of `examples/clients`
 * and of the runbooks run: httpx, grpcio and the command line of AWS from PyPI, grpc-java from Maven Central, tonic
 * from crates.io, into `.selvage/clients`. Says which it could not install, and exits 0: the tests then say that they did not run.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../tests/foreign/refused", import.meta.url));
const target = fileURLToPath(new URL("../.selvage/clients", import.meta.url));
const PYTHON = ["httpx[http2]==0.28.1", "grpcio==1.85.3", "awscli==1.45.11"];
const MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

await Deno.mkdir(target, { recursive: true });
await install(`python: ${PYTHON.join(" ")}`, async () => {
  const folder = join(target, "python");
  const installed = join(folder, "selvage_installed");
  if (await read(installed) === PYTHON.join("\n")) return false;
  await run("python3", ["-m", "venv", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PYTHON];
  await run(join(folder, "bin/python"), pip);
  await Deno.writeTextFile(installed, PYTHON.join("\n"));
  return true;
});
await install("grpc-java", async () => {
  const from = join(sources, "java");
  const folder = join(target, "java");
  const programs = ["RefusedClient.java", "HttpRefusedClient.java"].map((file) => join(from, file));
  const built = join(folder, "RefusedClient.class");
  if (await isNewer(built, ...programs, join(from, "pom.xml"))) return false;
  const copy = ["-q", "-B", "-f", join(from, "pom.xml"), MAVEN_COPY, `-DoutputDirectory=${folder}`];
  await run("mvn", copy);
  await run("javac", ["-d", folder, "-cp", `${folder}/*`, ...programs]);
  return true;
});
await install("tonic", async () => {
  const from = join(sources, "tonic");
  const program = join(target, "tonic");
  if (await isNewer(program, join(from, "src/main.rs"), join(from, "Cargo.lock"))) return false;
  const build = join(target, "tonic-build");
  await run("cargo", ["build", "--release", "--locked", "--target-dir", build], from);
  await Deno.copyFile(join(build, "release/refused-tonic"), program);
  await Deno.remove(build, { recursive: true });
  return true;
});

async function install(name: string, how: () => Promise<boolean>): Promise<void> {
  const before = performance.now();
  try {
    if (!await how()) return;
    console.error(`clients: ${name} installed in ${Math.round(performance.now() - before)} ms`);
  } catch (error) {
    const { message } = error as Error;
    console.error(`clients: ${name} could not be installed: ${message.split("\n")[0]}`);
  }
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const path = `${Deno.env.get("PATH")}:${Deno.env.get("HOME")}/.cargo/bin`;
  const { success, stderr, stdout } = await new Deno.Command("env", {
    args: [`PATH=${path}`, program, ...args],
    ...(cwd === undefined ? {} : { cwd }),
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return;
  const [said, printed] = [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes).trim());
  throw new Error(said || printed || `${program} failed`);
}

/** Whether what was built is there and newer than all it is built of. */
async function isNewer(built: string, ...of: readonly string[]): Promise<boolean> {
  const [own, ...others] = await Promise.all([built, ...of].map(modified));
  return own !== undefined && others.every((one) => one !== undefined && one < own);
}

function modified(path: string): Promise<number | undefined> {
  return Deno.stat(path).then(({ mtime }) => mtime?.getTime(), () => undefined);
}

function read(path: string): Promise<string | undefined> {
  return Deno.readTextFile(path).catch(() => undefined);
}
