/**
 * Measures what a well-behaved client keeps of its throughput beside an attacker who strikes without
 * a pause. Prints a table in Markdown.
 *
 * `deno run -A tests/hostile/throughput.ts [--seconds N] [NAME]…`
 */
import { attacks } from "./attacks.ts";
import type { Deeds, Orders } from "./attacker_thread.ts";
import { floods } from "./floods.ts";
import { Stage } from "./stage.ts";
import { echo } from "./routines.ts";

const CALLERS = 16;
const MIB = 1024 * 1024;
const names = Deno.args.filter((argument) => !argument.startsWith("--"));
const seconds = Number(
  Deno.args.find((argument) => argument.startsWith("--seconds="))?.slice("--seconds=".length) ?? 2,
);

await using stage = await Stage.open();
const thread = new Worker(new URL("./attacker_thread.ts", import.meta.url), { type: "module" });
await callsPerSecond(1);
console.log("| attack | strikes | calls/s alone | beside | kept | heap and external, MiB |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const [name, members] of chosen()) await measure(name, members);
thread.terminate();

/** Each flood for itself, and everything that is over with one connection in one row. */
function chosen(): [string, readonly string[]][] {
  const quick = attacks.filter((attack) => !floods.includes(attack) && attack.slow !== true);
  const rows: [string, readonly string[]][] = [
    ...floods.map(({ name }): [string, readonly string[]] => [name, [name]]),
    ["every other attack in turn", quick.map(({ name }) => name)],
  ];
  return rows.filter(([name]) => names.length === 0 || names.some((part) => name.includes(part)));
}

async function measure(name: string, members: readonly string[]): Promise<void> {
  const before = await stage.held();
  const earlier = await callsPerSecond(seconds / 2);
  thread.postMessage({ target: stage.target, attacks: members } satisfies Orders);
  const beside = await callsPerSecond(seconds);
  const { promise, resolve } = Promise.withResolvers<Deeds>();
  thread.onmessage = ({ data }) => resolve(data);
  thread.postMessage("stop");
  const { strikes, wrong } = await promise;
  const later = await callsPerSecond(seconds / 2);
  const after = await stage.settled(before);
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  const alone = (earlier + later) / 2;
  const more = (after.bytes - before.bytes) / MIB;
  const row = [
    name,
    strikes,
    Math.round(alone),
    Math.round(beside),
    `${Math.round(beside / alone * 100)} %`,
    `${more < 0 ? "−" : "+"}${Math.abs(more).toFixed(1)}`,
  ];
  console.log(`| ${row.join(" | ")} |`);
}

/** What honest callers get done who call without a pause; not one call may fail. */
async function callsPerSecond(seconds: number): Promise<number> {
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() < end) {
      await stage.dispatcher.call(echo, [calls]);
      calls += 1;
    }
  }));
  return calls / (performance.now() - begin) * 1000;
}
