/**
 * Measures what well-behaved calls keep of their throughput beside an attacker, or a hostile server,
 * that strikes without a pause. Prints a table in Markdown, and fails where it is less than half.
 *
 * `deno run -A tests/hostile/throughput.ts [NAME]…`
 */
import { measureKept } from "./kept.ts";
import { type Struck, struckDispatcher, struckWorker } from "./struck.ts";

/** What is to be kept. */
const LEAST = 0.5;
const MIB = 1024 * 1024;
const WARM_UP_MS = 2000;

const tooLittle: string[] = [];
console.log("| beside | strikes | calls/s alone | beside | kept | heap and external, MiB |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const open of [struckWorker, struckDispatcher]) {
  await using struck = await open();
  await struck.callFor(WARM_UP_MS);
  for (const [name, members] of struck.rows) {
    const chosen = Deno.args.length === 0 || Deno.args.some((part) => name.includes(part));
    if (chosen && await measure(struck, name, members) < LEAST) tooLittle.push(name);
  }
}
for (const name of tooLittle) console.error(`less than half is kept beside ${name}`);
Deno.exit(tooLittle.length === 0 ? 0 : 1);

/** Prints a row, and gives what is kept. */
async function measure(struck: Struck, name: string, members: readonly string[]): Promise<number> {
  const before = await struck.held();
  let strikes = 0;
  const { ratio, alone, beside } = await measureKept({
    alone: (ms) => struck.callFor(ms),
    beside: async (ms) => {
      struck.begin(members);
      const calls = await struck.callFor(ms);
      strikes += await struck.end();
      return calls;
    },
  }, { least: LEAST });
  const after = await struck.settled(before);
  const more = (after.bytes - before.bytes) / MIB;
  const row = [
    name,
    strikes,
    Math.round(alone),
    Math.round(beside),
    `${Math.round(ratio * 100)} %`,
    `${more < 0 ? "−" : "+"}${Math.abs(more).toFixed(1)}`,
  ];
  console.log(`| ${row.join(" | ")} |`);
  return ratio;
}
