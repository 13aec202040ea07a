import assert from "node:assert/strict";
import { DispatcherStage, type Trapped } from "./dispatcher_stage.ts";
import { floodTraps } from "./flood_traps.ts";
import type { Trap } from "./trap.ts";
import { traps } from "./traps.ts";

/** What a dispatcher's process may hold more afterwards than before. */
const MORE_BYTES = 64 * 1024 * 1024;
/** Processor time that traps sprung at once may cost, with the calls beside them, in milliseconds. */
const CPU_MS = 20_000;
/** How many traps are sprung at once that are over in a moment. */
const AT_ONCE = 24;
/** How many floods are let loose at once; their sender has to be able to read, too. */
const FLOODS_AT_ONCE = 4;

for (const security of ["mutual-tls", "plaintext"] as const) {
  const there = traps.filter(({ inPlaintext }) =>
    security === "mutual-tls" || inPlaintext !== "none"
  );
  const floods = there.filter((trap) => floodTraps.includes(trap));
  const slow = there.filter((trap) => trap.slow === true);
  const others = there.filter((trap) => !floods.includes(trap) && !slow.includes(trap));

  Deno.test(`a dispatcher over ${security} answers hostile servers as the RFC says, calls others, and keeps nothing`, async () => {
    await using stage = await DispatcherStage.open(security, "patient");
    const groups = [...inGroups(floods, FLOODS_AT_ONCE), ...inGroups(others, AT_ONCE)];
    for (const group of groups) await withstands(stage, group, security);
  });

  Deno.test(`a dispatcher over ${security} does not wait for servers that take their time`, async () => {
    await using stage = await DispatcherStage.open(security, "impatient");
    await withstands(stage, slow, security);
  });
}

function* inGroups(traps: readonly Trap[], size: number): Generator<readonly Trap[]> {
  for (let at = 0; at < traps.length; at += size) yield traps.slice(at, at + size);
}

/** Springs traps at once; each call ends as it should, while and after which others are made. */
async function withstands(
  stage: DispatcherStage,
  traps: readonly Trap[],
  security: "mutual-tls" | "plaintext",
): Promise<void> {
  const before = await stage.held();
  const found = await stage.beside(Promise.all(traps.map((trap) => stage.attack(trap))));
  const after = await stage.settled(before);
  assert.deepEqual(found, traps.map((trap) => expected(trap, security)));
  const [bytes, cpuMs] = [after.bytes - before.bytes, after.cpuMs - before.cpuMs];
  assert.ok(bytes < MORE_BYTES, `holds ${bytes} bytes more than before`);
  assert.ok(cpuMs < CPU_MS, `took ${cpuMs} ms of processor time`);
}

function expected(trap: Trap, security: "mutual-tls" | "plaintext"): Trapped {
  const { name, comesTo, inPlaintext = comesTo, answer, survived } = trap;
  return {
    name,
    comesTo: security === "plaintext" ? inPlaintext : comesTo,
    answer,
    ...(survived === true ? { survived: 'result "honest" over 1' } : {}),
  };
}
