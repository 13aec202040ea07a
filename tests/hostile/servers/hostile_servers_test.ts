import { DispatcherStage } from "./dispatcher_stage.ts";
import { floodTraps } from "./flood_traps.ts";
import type { Trap } from "./trap.ts";
import { traps } from "./traps.ts";
import { withstands } from "./withstands.ts";

/** How many traps are sprung at once that are over in a moment. */
const AT_ONCE = 24;
/** How many floods are let loose at once; their sender has to be able to read, too. */
const FLOODS_AT_ONCE = 4;

for (const security of ["mutual-tls", "plaintext"] as const) {
  const there = traps.filter(({ inPlaintext }) =>
    security === "mutual-tls" || inPlaintext !== "none"
  );
  const floods = there.filter((trap) => floodTraps.includes(trap));
  const others = there.filter((trap) => !floods.includes(trap) && trap.slow !== true);

  Deno.test(`a dispatcher over ${security} answers hostile servers as the RFC says, calls others, and keeps nothing`, async () => {
    await using stage = await DispatcherStage.open(security, "patient");
    const groups = [...inGroups(floods, FLOODS_AT_ONCE), ...inGroups(others, AT_ONCE)];
    for (const group of groups) await withstands(stage, group, security);
  });
}

function* inGroups(traps: readonly Trap[], size: number): Generator<readonly Trap[]> {
  for (let at = 0; at < traps.length; at += size) yield traps.slice(at, at + size);
}
