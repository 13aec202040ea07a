/**
 * Runs every test, and the examples in the documentation: first what shares nothing, in parallel, then one file at
 * a time what measures itself against others or needs the process to itself. Ends with one line that sums both up.
 *
 * @module
 */
import { readLines } from "../src/pool/line_reader.ts";

/** What is run one file at a time: it uses up descriptors, compares throughput or heaps, or ends processes. */
const ALONE: readonly string[] = [
  "tests/attacks/memory_test.ts",
  "tests/e2e/recovery_test.ts",
  "tests/hostile",
  "tests/listeners",
  "tests/pool",
  "tests/rotation",
  "tests/threads",
];
/** Pages whose programs run as they stand. */
const GUIDES: readonly string[] = [
  "docs/fleets.md",
  "docs/identity.md",
  "docs/interop.md",
  "docs/policy.md",
  "docs/reference.md",
  "docs/routines.md",
];
/** Needs Go: `deno task conformance` runs it. */
const ELSEWHERE = "tests/foreign/go/";

/** The summary of one run, as `deno test` prints it. */
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*\| (\d+) failed/;

/** What became of one run. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Whether the run ended well; a file that cannot be loaded fails it without a failed test. */
  readonly ok: boolean;
}

const files = [...testFiles("tests")].filter((path) => !path.startsWith(ELSEWHERE));
const isAlone = (path: string): boolean => ALONE.some((one) => path.startsWith(one));
const together = files.filter((path) => !isAlone(path));
const apart = await run([
  "--doc",
  "--parallel",
  "mod.ts",
  "src",
  "examples",
  ...GUIDES,
  ...together,
]);
const alone = await run(files.filter(isAlone));
const ok = apart.ok && alone.ok;
const failed = apart.failed + alone.failed;
console.log(`${ok ? "ok" : "FAILED"} | ${apart.passed + alone.passed} passed | ${failed} failed`);
Deno.exit(ok ? 0 : 1);

function* testFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testFiles(path);
    else if (name.endsWith("_test.ts")) yield path;
  }
}

async function run(which: readonly string[]): Promise<Outcome> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...which],
    env: { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
  let counts: RegExpExecArray | null = null;
  for await (const line of readLines(process.stdout)) {
    console.log(line);
    counts = SUMMARY.exec(line) ?? counts;
  }
  const { success } = await process.status;
  const [, passed, failed] = counts ?? [];
  // A run without a summary has not ended as a run of tests does.
  return {
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    ok: success && counts !== null,
  };
}
