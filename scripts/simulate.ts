/**
 * Simulates fleets: the dispatcher's own code for fleets, choices, backoff and retries, on a virtual clock, with
 * connections and workers that are models. The same seed gives the same numbers. Last it measures what choices and
 * endpoints cost on this machine (`measure`).
 *
 *     deno task sim [SCENARIO…] [--workers N] [--dispatchers N] [--lease N] [--seconds N] [--seed N]
 *
 * @module
 */
import { parseArgs } from "node:util";
import { measure } from "./simulate/measure.ts";
import { type Scenario, SCENARIOS } from "./simulate/scenarios.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: "string", default: "1000" },
    dispatchers: { type: "string", default: "20" },
    lease: { type: "string", default: "100" },
    seconds: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
  },
});
const size = {
  workers: Number(values.workers),
  dispatchers: Number(values.dispatchers),
  lease: Number(values.lease),
  seconds: Number(values.seconds),
  seed: Number(values.seed),
};
console.log(
  `${size.workers} workers, ${size.dispatchers} dispatchers with ${size.lease} workers each, seed ${size.seed}`,
);
const runs: Readonly<Record<string, Scenario>> = { ...SCENARIOS, measure };
for (const [name, scenario] of Object.entries(runs)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const begun = performance.now();
  const findings = await scenario(size);
  console.log(`\n${name} (${Math.round((performance.now() - begun) / 100) / 10} s)`);
  for (const [what, value] of Object.entries(findings)) {
    const [first = "", ...more] = String(value).split("\n");
    if (more.length === 0) console.log(`  ${what.padEnd(50)} ${first}`);
    else console.log([`  ${what}`, first, ...more].join("\n    "));
  }
}
