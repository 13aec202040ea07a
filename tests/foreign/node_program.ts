import { fileURLToPath } from "node:url";
import { Program } from "./program.ts";
import { findTool, type Tool } from "./tool.ts";

/** The programs under `node/`, and the packages they stand on. */
const SOURCES = new URL("./node/", import.meta.url);
/** Where packages are installed, once for each lock file; git ignores it. */
const CACHE = new URL("../../.selvage/foreign/", import.meta.url);

/** Node, which is what Deno comes from here. */
export const NODE: Tool = { name: "Node", path: findTool("node") };

/** Starts a program of `node/` under Node, with the packages of its lock file. */
export async function nodeProgram(script: string, config: object): Promise<Program> {
  const packages = await installedPackages();
  return new Program(["node", fileURLToPath(new URL(script, SOURCES))], { ...config, packages });
}

let installed: Promise<string> | undefined;

/** The `package.json` beside which the packages are installed. */
export function installedPackages(): Promise<string> {
  return installed ??= install();
}

async function install(): Promise<string> {
  const lock = await Deno.readFile(new URL("package-lock.json", SOURCES));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", lock)).toHex().slice(0, 16);
  const folder = new URL(`node-${digest}/`, CACHE);
  const manifest = fileURLToPath(new URL("package.json", folder));
  if (await exists(manifest)) return manifest;
  await Deno.mkdir(CACHE, { recursive: true });
  // Made beside it and renamed: a run that is broken off leaves nothing that looks complete.
  const making = await Deno.makeTempDir({ dir: fileURLToPath(CACHE) });
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) {
    await Deno.copyFile(new URL(file, SOURCES), `${making}/${file}`);
  }
  const { code, stderr } = await new Deno.Command("npm", {
    args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    cwd: making,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`npm ci failed: ${new TextDecoder().decode(stderr)}`);
  await Deno.rename(making, folder).catch(async (error) => {
    await Deno.remove(making, { recursive: true });
    if (!await exists(manifest)) throw error;
  });
  return manifest;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
