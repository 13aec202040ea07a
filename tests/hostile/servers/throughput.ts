/**
 * Measures which share of its throughput a dispatcher keeps while it also calls a hostile worker without
 * a pause. Prints a Markdown table, and fails where less than half is kept.
 *
 * `deno run -A tests/hostile/servers/throughput.ts`
 */
import { measureKept } from "../kept.ts";
import { printKept, printKeptHead } from "../kept_table.ts";
import { DispatcherStage } from "./dispatcher_stage.ts";
import { floodTraps } from "./flood_traps.ts";
import type { Trap } from "./trap.ts";
import { traps } from "./traps.ts";

/** The share that must be kept. */
const LEAST = 0.5;
const WARM_UP_MS = 2000;

const simple = traps.filter(({ kind = "call", slow, survived, manners, describe, lasts }) =>
  kind === "call" && ![slow, survived, lasts].includes(true) && (manners ?? describe) === undefined
);
const rows = {
  "a worker that floods its callers": simple.filter((trap) => floodTraps.includes(trap)),
  "a worker that breaks every connection": simple.filter((trap) => !floodTraps.includes(trap)),
};

await using stage = await DispatcherStage.open("mutual-tls", "patient");
await stage.callFor(WARM_UP_MS);
printKeptHead("hostile worker");
const tooLittle: string[] = [];
for (const [name, members] of Object.entries(rows)) {
  if (await measure(name, members) < LEAST) tooLittle.push(name);
}
for (const name of tooLittle) console.error(`less than half is kept beside ${name}`);
Deno.exitCode = tooLittle.length === 0 ? 0 : 1;

/** Prints the row of a hostile worker. @returns the share that is kept beside it. */
async function measure(name: string, members: readonly Trap[]): Promise<number> {
  const before = await stage.held();
  let connections = 0;
  const kept = await measureKept({
    alone: (ms) => stage.callFor(ms),
    beside: async (ms) => {
      const stop = await stage.besiege(byTurns(members));
      const calls = await stage.callFor(ms);
      connections += await stop();
      return calls;
    },
  }, { least: LEAST });
  const after = await stage.settled(before);
  printKept(name, connections, kept, after.bytes - before.bytes);
  return kept.ratio;
}

/** Uses another trap for each connection. */
function byTurns(members: readonly Trap[]): Trap {
  let connections = 0;
  return {
    name: "alternating",
    comesTo: "the result of each",
    answer: "the answer of each",
    spring: (visitor) => members[connections++ % members.length]!.spring(visitor),
  };
}
