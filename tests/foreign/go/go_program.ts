import { fileURLToPath } from "node:url";
import { Program } from "../program.ts";
import { findTool, runTool } from "../tool.ts";

/** The Go command, where this machine has it. */
export const go = { name: "Go", path: findTool("go") };

/** The programs of this folder. */
const SOURCES = new URL("./", import.meta.url);
/** Where they are built; git ignores it. */
const BUILT = new URL("../../../.selvage/foreign/go/", import.meta.url);

/** Builds a program of this folder, unless it is built, and starts it. */
export async function goProgram(
  name: "connectclient" | "grpcclient" | "grpcserver" | "httpclient" | "httpserver",
  config: object,
): Promise<Program> {
  await (built ??= build());
  return new Program([fileURLToPath(new URL(name, BUILT))], config);
}

let built: Promise<void> | undefined;

async function build(): Promise<void> {
  await Deno.mkdir(BUILT, { recursive: true });
  const args = ["build", "-C", fileURLToPath(SOURCES), "-trimpath", "-o", fileURLToPath(BUILT)];
  const { code, stderr } = await runTool(go.path ?? "go", [...args, "./..."]);
  if (code !== 0) throw new Error(`go build failed: ${stderr}`);
}
