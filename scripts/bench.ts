/**
 * Measures calls, streams, connections and memory of two processes, beside another commit and beside peers, all
 * in one run and turn about. Prints a table of medians, and writes a JSON file.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";
import { Baseline } from "./bench/baseline.ts";
import { PEER_NAMES, peerSubjects, USUAL_PEERS } from "./bench/peers.ts";
import { report } from "./bench/report.ts";
import { takeTurns } from "./bench/turns.ts";
import { SCENARIOS } from "./bench/scenarios.ts";
import { Subject } from "./bench/subject.ts";

const program = new Command("deno task bench")
  .description("Measures this commit, turn about with another one and with peers.")
  .option("--baseline <ref>", "build this commit into a temporary folder, and measure it, too")
  .option(
    "--peers [list]",
    `measure these, too (default: ${USUAL_PEERS}, installed with npm and run by Node); also ` +
      "grpc-go and connect-go (built with Go), tonic and tonic-threads (built with Rust, on one " +
      "thread each end and on all processors), which are left out where Go or Rust is missing",
    peerNames,
  )
  .option("--only <prefixes>", "only scenarios whose names begin so (default: all)", scenarios)
  .option("--turns <n>", "how often each figure is taken", positive, 5)
  .option("--ms <n>", "for how long each time, in milliseconds", positive, 500)
  .option("--json <file>", "write the figures here (default: to standard output)");
const { baseline, peers, only: names = [...SCENARIOS.keys()], turns, ms: durationMs, json } =
  program.parse(Deno.args, {
    from: "user",
  }).opts<{
    baseline?: string;
    peers?: true | readonly string[];
    only?: readonly string[];
    turns: number;
    ms: number;
    json?: string;
  }>();

await using stack = new AsyncDisposableStack();
const subjects = [stack.use(driverIn("this", new URL("..", import.meta.url).pathname))];
if (baseline !== undefined) {
  const { folder } = stack.use(await Baseline.of(baseline));
  subjects.push(stack.use(driverIn(baseline, folder)));
}
if (peers !== undefined) {
  const wanted = peers === true ? USUAL_PEERS : peers;
  for (const peer of await peerSubjects(stack, wanted)) subjects.push(stack.use(peer));
}

const figures = await takeTurns(subjects, names, { turns, durationMs });
const result = report(names, subjects.map(({ name }) => name), figures);
console.error(result.table);
const text = JSON.stringify({ at: new Date(), turns, durationMs, ...result.json }, null, 2);
if (json === undefined) console.log(text);
else await Deno.writeTextFile(json, `${text}\n`);

function commaSeparated(text: string): readonly string[] {
  return text.split(",");
}

function peerNames(list: string): readonly string[] {
  const names = commaSeparated(list);
  const unknown = names.find((name) => !PEER_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`No peer ${unknown}: ${PEER_NAMES.join(", ")}.`);
  }
  return names;
}

function scenarios(prefixes: string): readonly string[] {
  const names = [...SCENARIOS.keys()]
    .filter((name) => commaSeparated(prefixes).some((prefix) => name.startsWith(prefix)));
  if (names.length === 0) {
    throw new InvalidArgumentError(`No scenario begins so: ${[...SCENARIOS.keys()].join(", ")}.`);
  }
  return names;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

function driverIn(name: string, folder: string): Subject {
  const config = `${folder}/deno.json`;
  const driver = `${folder}/scripts/bench/driver.ts`;
  return new Subject({
    name,
    args: ["run", "-A", "--v8-flags=--expose-gc", "--config", config, driver],
  });
}
