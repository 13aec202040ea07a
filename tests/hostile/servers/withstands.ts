import assert from "node:assert/strict";
import type { DispatcherStage, Trapped } from "./dispatcher_stage.ts";
import type { Trap } from "./trap.ts";

/** What a dispatcher's process may hold more afterwards than before. */
const MORE_BYTES = 64 * 1024 * 1024;
/** Processor time that traps sprung at once may cost, with the calls beside them, in milliseconds. */
const CPU_MS = 20_000;

/** Springs traps at once; each call ends as it should, while and after which others are made. */
export async function withstands(
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
