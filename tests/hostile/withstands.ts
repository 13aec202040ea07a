import assert from "node:assert/strict";
import type { Attack } from "./attack.ts";
import { inTime } from "./in_time.ts";
import type { Stage } from "./stage.ts";

/** What a worker may hold more after an attack than before. */
const MORE_BYTES = 64 * 1024 * 1024;
/** Processor time that attacks made at once may cost, in milliseconds: far more than they do. */
const CPU_MS = 20_000;

/** Makes attacks at once; all are answered as they should be, while and after which others are served. */
export async function withstands(stage: Stage, attacks: readonly Attack[]): Promise<void> {
  const before = await stage.held();
  const attempts = attacks.flatMap(({ name, attack, times = 1 }) =>
    Array.from({ length: times }, async () => [name, await inTime(attack(stage.target))])
  );
  const found = await stage.beside(Promise.all(attempts));
  const after = await stage.settled(before);
  const plaintext = stage.target.tls === undefined;
  const expected = attacks.flatMap(({ name, answer, inPlaintext = answer, times = 1 }) =>
    Array.from({ length: times }, () => [name, plaintext ? inPlaintext : answer])
  );
  assert.deepEqual(found, expected);
  const [bytes, cpuMs] = [after.bytes - before.bytes, after.cpuMs - before.cpuMs];
  assert.ok(bytes < MORE_BYTES, `holds ${bytes} bytes more than before`);
  assert.ok(cpuMs < CPU_MS, `took ${cpuMs} ms of processor time`);
}
