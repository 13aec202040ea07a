/**
 * Runs Connect's conformance suite: our server against its client and our client against its server,
 * with the fast path and without. Prints the suite's own counts; exits 1 where a case failed.
 *
 * `deno run -A tests/conformance/connect/run.ts`; says so and exits 0 where there is no Go to build it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { findGo, installGoTool, output } from "../go_tool.ts";

const MODULE = "connectrpc.com/conformance";
const VERSION = "v1.0.7";
const BUF = "npm:@bufbuild/buf@1.74.0/buf";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const go = await findGo();
if (go === undefined) {
  console.log("Connect conformance: skipped, there is no Go here to build the suite with");
  Deno.exit(0);
}
const suite = await installGoTool(go, `${MODULE}/cmd/connectconformance`, VERSION);
const descriptors = await describe(go);
let failed = false;
for (const mode of ["server", "client"]) {
  for (const lane of ["fast path", "plain path"]) {
    const { ok, counts } = await runSuite(mode, lane);
    failed ||= !ok;
    console.log(`Connect conformance ${VERSION}, our ${mode}, ${lane}: ${counts}`);
  }
}
await Deno.remove(descriptors);
Deno.exit(failed ? 1 : 0);

/** The suite's messages as a descriptor set, from its own module. */
async function describe(go: string): Promise<string> {
  const downloaded = await output(go, ["mod", "download", "-json", `${MODULE}@${VERSION}`]);
  const { Dir: folder } = JSON.parse(downloaded) as { readonly Dir: string };
  const file = await Deno.makeTempFile({ suffix: ".binpb" });
  await output(Deno.execPath(), ["run", "-A", BUF, "build", `${folder}/proto`, "-o", file]);
  return file;
}

async function runSuite(mode: string, lane: string): Promise<{ ok: boolean; counts: string }> {
  const program = [Deno.execPath(), "run", "-A", here(`${mode}.ts`), descriptors];
  if (lane === "plain path") program.push("plain");
  const command = new Deno.Command(suite, {
    args: ["--mode", mode, "--conf", here("config.yaml"), "-v", "--", ...program],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  const text = new TextDecoder().decode(stdout);
  const counts = /^\d+ passed, \d+ failed.*$/m.exec(text)?.[0];
  if (!success || counts === undefined) console.error(text.slice(-20_000));
  return { ok: success && counts !== undefined, counts: counts ?? "did not finish" };
}
