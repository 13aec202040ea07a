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
/**
 * Honest calls with deadlines of some 100 ms. A busy machine misses a few (14 of 6,896 cases on one core that was
 * shared with ten other processes): where only such cases failed, these are made again.
 */
const IN_TIME = /^Deadline Propagation\/.*\/success$/;
/** How often they are made at most. */
const MOST_RUNS = 4;
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
    const { ok, counts } = await runInTime(mode, lane);
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

/** The result of a run of the suite. */
interface Result {
  readonly ok: boolean;
  /** In the suite's own words. */
  readonly counts: string;
  /** The cases that failed. */
  readonly failures: readonly string[];
}

/** Runs the suite, and once more the cases that were late. */
async function runInTime(mode: string, lane: string): Promise<Result> {
  const first = await runSuite(mode, lane);
  let last = first;
  for (let run = 2; run <= MOST_RUNS && wereLate(last); run++) {
    last = await runSuite(mode, lane, last.failures);
  }
  const counts = last === first ? first.counts : `${first.counts}; made again: ${last.counts}`;
  return { ...last, counts };
}

function wereLate({ failures }: Result): boolean {
  return failures.length > 0 && failures.every((name) => IN_TIME.test(name));
}

/** Runs the suite, or some of its cases. */
async function runSuite(
  mode: string,
  lane: string,
  cases: readonly string[] = [],
): Promise<Result> {
  const program = [Deno.execPath(), "run", "-A", here(`${mode}.ts`), descriptors];
  if (lane === "plain path") program.push("plain");
  const only = cases.flatMap((name) => ["--run", name]);
  const command = new Deno.Command(suite, {
    args: ["--mode", mode, "--conf", here("config.yaml"), "-v", ...only, "--", ...program],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  const text = new TextDecoder().decode(stdout);
  const counts = /^\d+ passed, \d+ failed.*$/m.exec(text)?.[0];
  if (!success || counts === undefined) console.error(text.slice(-20_000));
  const failures = [...text.matchAll(/^FAILED: (.*):$/gm)].map(([, name = ""]) => name);
  return { ok: success && counts !== undefined, counts: counts ?? "did not finish", failures };
}
