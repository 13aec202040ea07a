/**
 * Measures calls and streams of two processes under mutual TLS on one connection, beside another commit
 * and beside peers, all in one run and turn about. Prints a table of medians, and writes a JSON file.
 *
 * `deno task bench [--baseline REF] [--peers] [--only PREFIX] [--turns N] [--ms N] [--json FILE]`
 *
 * - `--baseline` builds another commit into a temporary folder and measures it, too.
 * - `--peers` measures `@grpc/grpc-js` (installed with npm, run by Node) and bare `node:tls`.
 * - `--only` keeps the scenarios whose names begin so; several, with commas.
 * - `--turns` is how often each figure is taken (default 5), `--ms` for how long each time (default 700).
 *
 * `--policy` and `--tokens` measure what a policy and verified tokens cost, and nothing else.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Baseline } from "./bench/baseline.ts";
import { peerSubjects } from "./bench/peers.ts";
import { type Figure, type ScenarioName, SCENARIOS } from "./bench/scenarios.ts";
import { Subject } from "./bench/subject.ts";
import { report } from "./bench/report.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    baseline: { type: "string" },
    peers: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    turns: { type: "string", default: "5" },
    ms: { type: "string", default: "700" },
    json: { type: "string" },
    policy: { type: "boolean", default: false },
    tokens: { type: "boolean", default: false },
  },
});
if (values.policy || values.tokens) {
  if (values.policy) await import("./bench/policy.ts");
  if (values.tokens) await import("./bench/tokens.ts");
  Deno.exit();
}
const turns = Number(values.turns);
const durationMs = Number(values.ms);
const prefixes = values.only.split(",");
const names = (Object.keys(SCENARIOS) as ScenarioName[])
  .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
if (!(turns > 0 && durationMs > 0 && names.length > 0)) {
  console.error("usage: see the head of scripts/bench.ts");
  Deno.exit(2);
}

await using stack = new AsyncDisposableStack();
const subjects = [stack.use(driverIn("this", new URL("..", import.meta.url).pathname))];
if (values.baseline !== undefined) {
  const baseline = stack.use(await Baseline.of(values.baseline));
  subjects.push(stack.use(driverIn(values.baseline, baseline.folder)));
}
if (values.peers) { for (const peer of await peerSubjects(stack)) subjects.push(stack.use(peer)); }

const figures = new Map<string, Figure[]>();
for (const scenario of names) {
  // The first is thrown away: it warms up. Each is first as often as the others.
  for (let turn = 0; turn <= turns; turn++) {
    for (let at = 0; at < subjects.length; at++) {
      const subject = subjects[(at + turn) % subjects.length]!;
      const figure = await subject.measure(scenario, turn === 0 ? 2 * durationMs : durationMs);
      if (turn === 0 || figure.value === undefined) continue;
      const key = `${scenario} ${subject.name}`;
      figures.set(key, [...figures.get(key) ?? [], figure]);
    }
  }
}
const result = report(names, subjects.map(({ name }) => name), figures);
console.error(result.table);
const json = JSON.stringify(result.json, null, 2);
if (values.json === undefined) console.log(json);
else await Deno.writeTextFile(values.json, `${json}\n`);

function driverIn(name: string, folder: string): Subject {
  const config = `${folder}/deno.json`;
  return new Subject({
    name,
    args: ["run", "-A", "--config", config, `${folder}/scripts/bench/driver.ts`],
  });
}
