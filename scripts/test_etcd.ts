/**
 * Runs the tests of `etcd:` discovery against etcd 3.6, which distributions do not have yet: built from its Go
 * module into `.selvage/etcd` the first time, in about two minutes. Says so and exits 0 where there is no Go.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findGo, output } from "../tests/conformance/go_tool.ts";

const MODULE = "go.etcd.io/etcd/server/v3";
const VERSION = "v3.6.16";
const folder = fileURLToPath(new URL("../.selvage/etcd", import.meta.url));
const program = join(folder, "etcd");

const go = await findGo();
if (!await isThere(program)) {
  if (go === undefined) {
    console.error("etcd: there is no Go here to build 3.6 with");
    Deno.exit(0);
  }
  await build(go);
}
console.error(await output(program, ["--version"]));
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "tests/discovery/etcd_test.ts", "tests/discovery/late_etcd_test.ts"],
  env: { PATH: `${folder}:${Deno.env.get("PATH") ?? ""}` },
  stdout: "inherit",
  stderr: "inherit",
}).output();
Deno.exit(code);

/** Builds from a module of our own that requires it: `go install` refuses a module that replaces others. */
async function build(go: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    join(folder, "go.mod"),
    `module selvage.invalid/etcd\n\ngo 1.24\n\nrequire ${MODULE} ${VERSION}\n`,
  );
  console.error(`etcd: building ${VERSION}`);
  await output(go, ["-C", folder, "get", `${MODULE}@${VERSION}`]);
  await output(go, ["-C", folder, "build", "-o", program, MODULE]);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
