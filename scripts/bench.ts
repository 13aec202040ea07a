/**
 * Measures calls, streams, connections and memory of two processes, beside another commit and beside peers, all
 * in one run and turn about. Prints a table of medians, and writes a JSON file.
 *
 * `deno task bench [--baseline REF] [--peers [LIST]] [--only PREFIXES] [--turns N] [--ms N] [--json FILE]`
 *
 * - `--baseline` builds another commit into a temporary folder and measures it, too.
 * - `--peers` measures others: `node:tls`, `grpc-js` and `connect-node` (installed with npm, run by Node); a list
 *   takes some of them, or `grpc-go` and `connect-go` (built with Go), `tonic` and `tonic-threads` (built with Rust,
 *   on one thread each end and on all processors); those are left out where Go or Rust is missing.
 * - `--only` keeps the scenarios whose names begin so; several, with commas. `scripts/bench/scenarios.ts` has them.
 * - `--turns` is how often each figure is taken (default 5), `--ms` for how long each time (default 500).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Baseline } from "./bench/baseline.ts";
import { peerSubjects, USUAL_PEERS } from "./bench/peers.ts";
import { report } from "./bench/report.ts";
import { takeTurns } from "./bench/turns.ts";
import { SCENARIOS } from "./bench/scenarios.ts";
import { Subject } from "./bench/subject.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    baseline: { type: "string" },
    peers: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    turns: { type: "string", default: "5" },
    ms: { type: "string", default: "500" },
    json: { type: "string" },
  },
});
const turns = Number(values.turns);
const durationMs = Number(values.ms);
const prefixes = values.only.split(",");
const names = [...SCENARIOS.keys()]
  .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
if (!(turns > 0 && durationMs > 0 && names.length > 0 && (values.peers || !positionals.length))) {
  console.error("usage: see the head of scripts/bench.ts");
  Deno.exit(2);
}

await using stack = new AsyncDisposableStack();
const subjects = [stack.use(driverIn("this", new URL("..", import.meta.url).pathname))];
if (values.baseline !== undefined) {
  const baseline = stack.use(await Baseline.of(values.baseline));
  subjects.push(stack.use(driverIn(values.baseline, baseline.folder)));
}
if (values.peers) {
  const wanted = positionals.flatMap((list) => list.split(","));
  const peers = await peerSubjects(stack, wanted.length > 0 ? wanted : USUAL_PEERS);
  for (const peer of peers) subjects.push(stack.use(peer));
}

const figures = await takeTurns(subjects, names, { turns, durationMs });
const result = report(names, subjects.map(({ name }) => name), figures);
console.error(result.table);
const json = JSON.stringify({ at: new Date(), turns, durationMs, ...result.json }, null, 2);
if (values.json === undefined) console.log(json);
else await Deno.writeTextFile(values.json, `${json}\n`);

function driverIn(name: string, folder: string): Subject {
  const config = `${folder}/deno.json`;
  const driver = `${folder}/scripts/bench/driver.ts`;
  return new Subject({
    name,
    args: ["run", "-A", "--v8-flags=--expose-gc", "--config", config, driver],
  });
}
