/**
 * Soaks workers in random calls, streams, cancels, deadlines, rude disconnects and restarts, and checks
 * that nothing is leaked and every call is accounted for. Prints one JSON line; ends with 1 where not.
 *
 * `deno task soak [--seconds N] [--seed N]`
 *
 * @module
 */
import { soak } from "./soak_calls/soak.ts";

if (!("gc" in globalThis)) {
  console.error("it looks at memory after collections: run it by deno task soak");
  Deno.exit(2);
}
const seconds = numberAfter("--seconds") ?? 600;
const seed = numberAfter("--seed") ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
console.error(`soaking for ${seconds} s with --seed ${seed}`);
const report = await soak({ seconds, seed });
console.log(JSON.stringify(report));
if (!report.ok) Deno.exitCode = 1;

function numberAfter(flag: string): number | undefined {
  const at = Deno.args.indexOf(flag);
  if (at < 0) return undefined;
  const value = Number(Deno.args[at + 1]);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${flag} takes a number`);
  Deno.exit(2);
}
