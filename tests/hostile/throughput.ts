/**
 * Measures what a well-behaved client keeps of its throughput beside an attacker who attacks without
 * a pause. Prints a table in Markdown, and fails where it is less than half.
 *
 * `deno run -A tests/hostile/throughput.ts [NAME]…`
 */
import { attacks } from "./attacks.ts";
import type { Deeds, Orders } from "./attacker_thread.ts";
import { floods } from "./floods.ts";
import { measureKept } from "./kept.ts";
import { printKept, printKeptHead } from "./kept_table.ts";
import { echo } from "./routines.ts";
import { silentConnections } from "./silent_connections.ts";
import { Stage } from "./stage.ts";

const CALLERS = 16;
/** What is to be kept. */
const LEAST = 0.5;
const WARM_UP_MS = 2000;
const names = Deno.args;

await using stage = await Stage.open();
const thread = new Worker(new URL("./attacker_thread.ts", import.meta.url), { type: "module" });
await callsPerSecond(WARM_UP_MS);
printKeptHead("attack");
const tooLittle: string[] = [];
for (const [name, members] of chosen()) {
  if (await measure(name, members) < LEAST) tooLittle.push(name);
}
thread.terminate();
for (const name of tooLittle) console.error(`less than half is kept beside ${name}`);
Deno.exitCode = tooLittle.length === 0 ? 0 : 1;

/** Each flood for itself, and everything that is over with one connection in one row. */
function chosen(): [string, readonly string[]][] {
  const quick = attacks.filter((attack) => !floods.includes(attack) && attack.slow !== true);
  const rows: [string, readonly string[]][] = [
    ...[...floods, silentConnections].map((
      { name },
    ): [string, readonly string[]] => [name, [name]]),
    ["every other attack in turn", quick.map(({ name }) => name)],
  ];
  return rows.filter(([name]) => names.length === 0 || names.some((part) => name.includes(part)));
}

/** Prints the row of an attack, and gives what is kept beside it. */
async function measure(name: string, members: readonly string[]): Promise<number> {
  const before = await stage.held();
  let attempts = 0;
  const kept = await measureKept({
    alone: callsPerSecond,
    beside: async (ms) => {
      thread.postMessage({ target: stage.target, attacks: members } satisfies Orders);
      const calls = await callsPerSecond(ms);
      attempts += await stopped();
      return calls;
    },
  }, { least: LEAST });
  const after = await stage.settled(before);
  printKept(name, attempts, kept, after.bytes - before.bytes);
  return kept.ratio;
}

/** How often the attacker has attacked, once it has stopped. */
async function stopped(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<Deeds>();
  thread.onmessage = ({ data }) => resolve(data);
  thread.postMessage("stop");
  const { attempts, wrong } = await promise;
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  return attempts;
}

/** What honest callers get done who call without a pause; not one call may fail. */
async function callsPerSecond(ms: number): Promise<number> {
  const begin = performance.now();
  const end = begin + ms;
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() < end) {
      await stage.dispatcher.call(echo, [calls]);
      calls += 1;
    }
  }));
  return calls / (performance.now() - begin) * 1000;
}
