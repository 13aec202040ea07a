/**
 * Runs every test, and the examples in the documentation, in two steps: first, in parallel, the files that share
 * nothing beyond their isolate, and beside them, in lanes of one file at a time, those that end processes or that mostly
 * wait; then, with the machine to themselves, those that flood a worker. Ends with one line that sums all up.
 *
 * Types are not checked here: `deno task check` checks those of every file and example.
 *
 * @module
 */
import { readLines } from "../src/pool/line_reader.ts";
import { shareIsolates } from "./test/shared_isolates.ts";

/**
 * Files that start, watch and end many processes, that change what the whole process sees, or that wait for timers:
 * beside the others, one at a time in each lane. Files that make network namespaces share a lane. The lanes take about
 * the same time, most of it waiting.
 */
const LANES: readonly (readonly string[])[] = [
  [
    "tests/chaos",
    "tests/cli/doctor_test.ts",
    "tests/discovery/lan_test.ts",
    // Sets an environment variable.
    "tests/e2e/nested_calls_test.ts",
    "tests/listeners",
  ],
  [
    "tests/rotation",
    // Takes longest of those that do not wait: it begins early.
    "tests/foreign/connect_node_test.ts",
  ],
  [
    "tests/attacks/memory_test.ts",
    "tests/e2e/recovery_test.ts",
    "tests/hostile/soak_test.ts",
    "tests/pool",
    "tests/storm",
    "tests/threads",
  ],
  [
    "tests/discovery/etcd_test.ts",
    "tests/foreign/refused",
    "tests/hostile/servers/slow_servers_test.ts",
    "tests/hostile/slow_peers_test.ts",
  ],
];
/** Files that `deno test` runs at once beside the lanes: one more than there are cores, as some of them wait. */
const JOBS = navigator.hardwareConcurrency + 1;
/** Files whose attackers need all of the machine. */
const ALONE = "tests/hostile";
/** Folders whose files share an isolate: what their tests set up they take down. */
const SHARED: readonly string[] = [
  ...foldersOf("src"),
  "tests/attacks",
  "tests/canaries",
  "tests/cli",
  "tests/deploy",
  "tests/discovery",
  "tests/e2e",
  "tests/failures",
  "tests/foreign",
  "tests/fuzz",
  "tests/invariants",
  "tests/issuers",
  "tests/policy",
  "tests/rotation",
  "tests/scale",
  "tests/spiffe",
  "tests/telemetry",
  "tests/tokens",
];
/** Have their isolate to themselves: they measure its heap, or look at what its routines have marked. */
const UNSHARED: readonly string[] = [
  "src/policy/rules/rules_test.ts",
  "src/rpc/hostile_test.ts",
  "src/worker/serving/served_call_test.ts",
  "tests/e2e/call_kinds_test.ts",
  "tests/e2e/calls_test.ts",
  "tests/e2e/identity_test.ts",
  "tests/e2e/services_test.ts",
  "tests/invariants/bounded_and_serving_test.ts",
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
/** Needs Go, or what a script installs: `deno task conformance`, `test:clients` and `test:podman` run these. */
const ELSEWHERE: readonly string[] = [
  "tests/foreign/go/",
  "tests/foreign/refused/installed_test.ts",
  "tests/deploy/builder/",
  "tests/deploy/podman/",
  "tests/deploy/runbooks/",
];

/** The summary of one run, as `deno test` prints it. */
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*\| (\d+) failed/;

/** The result of one run. */
interface Outcome {
  readonly name: string;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  /** Whether the run ended well; a file that cannot be loaded fails it without a failed test. */
  readonly ok: boolean;
}

if (Deno.args.length > 0) {
  console.error("usage: deno task test (takes no arguments; for some files: deno test -A FILE...)");
  Deno.exit(2);
}
const files = [...testFiles("tests")].filter((path) =>
  !ELSEWHERE.some((one) => path.startsWith(one))
);
const laneOf = (path: string): readonly string[] | undefined =>
  LANES.find((lane) => lane.some((one) => path.startsWith(one)));
const isAlone = (path: string): boolean => path.startsWith(ALONE) && laneOf(path) === undefined;
const isParallel = (path: string): boolean => laneOf(path) === undefined && !isAlone(path);

// Within the project: workers that tests spawn look for `deno.json` in and above the folder of the main module.
Deno.mkdirSync(".selvage", { recursive: true });
const modules = Deno.makeTempDirSync({ dir: ".selvage", prefix: "test-" });
const removeModules = () => Deno.removeSync(modules, { recursive: true });
const running = new Set<Deno.ChildProcess>();
// `deno check` reads that folder, too: a run that is broken off leaves no module behind, and no process.
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.addSignalListener(signal, () => {
    for (const process of running) process.kill();
    removeModules();
    Deno.exit(code);
  });
}
const parallel = run("in parallel", [
  ...["--doc", "--parallel", "mod.ts", "examples"],
  ...[...filesOf("src")].filter(hasExample),
  ...GUIDES,
  ...modulesOf("parallel", [...testFiles("src"), ...files.filter(isParallel)]),
], (line) => console.log(line));
const lanes = LANES.map((lane, at) => {
  // Lines wait until the runs before have ended: several runs at once cannot be read.
  const held: string[] = [];
  const outcome = run(
    `in lane ${at + 1}`,
    modulesOf(`lane-${at + 1}`, files.filter((path) => laneOf(path) === lane)),
    (line) => void held.push(line),
  );
  return { held, outcome };
});
await parallel;
for (const { held, outcome } of lanes) {
  await outcome;
  for (const line of held) console.log(line);
}
const alone = run("alone", ["--parallel", ...files.filter(isAlone)], (line) => console.log(line));

const outcomes = await Promise.all([parallel, ...lanes.map(({ outcome }) => outcome), alone]);
removeModules();
const ok = outcomes.every((one) => one.ok);
const passed = outcomes.reduce((sum, one) => sum + one.passed, 0);
const failed = outcomes.reduce((sum, one) => sum + one.failed, 0);
for (const { name, seconds } of outcomes) console.log(`${seconds.toFixed(0)} s ${name}`);
console.log(`${ok ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed`);
Deno.exit(ok ? 0 : 1);

/** What `deno test` is given to run these files: one module for those that share an isolate. */
function modulesOf(name: string, files: readonly string[]): readonly string[] {
  const sharing = files.filter((path) => !UNSHARED.includes(path));
  const isolates = shareIsolates(sharing, SHARED, `${modules}/${name}`);
  const shared = new Set(isolates.flatMap(({ files }) => files));
  return [
    ...isolates.map(({ module }) => module),
    ...files.filter((path) => !shared.has(path)),
  ];
}

function foldersOf(folder: string): readonly string[] {
  return [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${folder}/${name}`).sort();
}

function* testFiles(folder: string): Generator<string> {
  for (const path of filesOf(folder)) if (path.endsWith("_test.ts")) yield path;
}

function* filesOf(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesOf(path);
    else yield path;
  }
}

/** Whether a module's comments hold a program. */
function hasExample(path: string): boolean {
  return !path.endsWith("_test.ts") && /^ *\* ```ts/m.test(Deno.readTextFileSync(path));
}

async function run(
  name: string,
  which: readonly string[],
  print: (line: string) => void,
): Promise<Outcome> {
  const begun = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...which],
    env: { NO_COLOR: "1", DENO_JOBS: String(JOBS) },
    stdout: "piped",
  }).spawn();
  running.add(process);
  let counts: RegExpExecArray | null = null;
  for await (const line of readLines(process.stdout)) {
    print(line);
    counts = SUMMARY.exec(line) ?? counts;
  }
  const { success } = await process.status;
  running.delete(process);
  const [, passed, failed] = counts ?? [];
  // A run without a summary has not ended as a run of tests does.
  return {
    name,
    seconds: (performance.now() - begun) / 1000,
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    ok: success && counts !== null,
  };
}
