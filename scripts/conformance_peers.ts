/**
 * Runs every peer that nobody here wrote against workers and dispatchers, says which versions they
 * have, and says plainly which are missing and were not run.
 *
 * `deno run -A scripts/conformance_peers.ts`, after `scripts/install_clients.ts` with those that it installs.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { installedPackages } from "../tests/foreign/node_program.ts";
import { findTool, runTool } from "../tests/foreign/tool.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The programs that are peers, or that run them, with what makes each print its version. */
const TOOLS: readonly (readonly [names: readonly string[], versionArgs: readonly string[]])[] = [
  [["node"], ["--version"]],
  [["go"], ["version"]],
  [["curl"], ["--version"]],
  [["nghttp"], ["--version"]],
  [["h2load"], ["--version"]],
  [["chromium", "chromium-browser", "google-chrome"], ["--version"]],
];

await printVersions();
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "tests/foreign"],
  cwd: ROOT,
}).spawn().status;
Deno.exit(code);

async function printVersions(): Promise<void> {
  for (const [names, args] of TOOLS) {
    const path = findTool(...names);
    if (path === undefined) {
      console.log(`${names[0]}: not installed here, its tests are skipped`);
      continue;
    }
    const { stdout } = await runTool(path, args);
    console.log(`${names[0]}: ${stdout.split("\n")[0]}`);
  }
  const packages = JSON.parse(await Deno.readTextFile(await installedPackages())).dependencies;
  for (const [name, version] of Object.entries(packages)) console.log(`${name}: ${version}`);
  const modules = await Deno.readTextFile(new URL("../tests/foreign/go/go.mod", import.meta.url));
  for (const [, name, version] of modules.matchAll(/^\t(google\.golang\.org\/grpc) (\S+)$/gm)) {
    console.log(`${name}: ${version}`);
  }
}
