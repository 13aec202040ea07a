/**
 * Several dispatcher processes against several workers, while authorities roll over, workers are drained,
 * killed and started again, and one caller is denied and allowed, all at once: no call may be lost or run
 * twice, and what was taken is returned. Prints one JSON line; anything wrong is exit code 1.
 *
 * `deno task soak:storm [--seconds N]`, five minutes by default
 *
 * @module
 */
import { storm } from "../tests/storm/storm.ts";

const seconds = secondsFrom(Deno.args);
console.error(`a storm of ${seconds} s …`);
const report = await storm({ rounds: 1, seconds });
console.log(JSON.stringify(report));
if (report.wrong.length > 0) Deno.exitCode = 1;

function secondsFrom(args: readonly string[]): number {
  const [flag, value, ...rest] = args;
  if (flag === undefined) return 300;
  const seconds = Number(value);
  if (flag === "--seconds" && rest.length === 0 && seconds > 0) return seconds;
  console.error("usage: deno task soak:storm [--seconds N]");
  Deno.exit(2);
}
