import assert from "node:assert/strict";
import type { Attack } from "./attack.ts";
import { Attacker, CALL } from "./attacker.ts";
import { attacks } from "./attacks.ts";
import { floods } from "./floods.ts";
import { cancel, headers, literals } from "./frames.ts";
import { Stage } from "./stage.ts";

/** What a worker may hold more after an attack than before. */
const MORE_BYTES = 64 * 1024 * 1024;
/** Processor time that attacks made at once may cost, in milliseconds: far more than they do. */
const CPU_MS = 20_000;
/** How many attacks are made at once that are over in a moment. */
const AT_ONCE = 16;

Deno.test("a worker answers floods as the RFC says, serves others, and keeps nothing", async (t) => {
  await using stage = await Stage.open();
  for (const flood of floods) await t.step(flood.name, () => withstands(stage, [flood]));
});

Deno.test("a worker answers what is malformed as the RFC says, serves others, and keeps nothing", async () => {
  await using stage = await Stage.open();
  const quick = attacks.filter((attack) => !floods.includes(attack) && attack.slow !== true);
  for (let at = 0; at < quick.length; at += AT_ONCE) {
    await withstands(stage, quick.slice(at, at + AT_ONCE));
  }
});

Deno.test("a worker does not wait for peers who take their time", async (t) => {
  await using stage = await Stage.open({
    handshakeTimeoutMs: 1000,
    receiveTimeoutMs: 500,
    http2: {
      prefaceTimeoutMs: 500,
      headerTimeoutMs: 500,
      settingsAckTimeoutMs: 500,
      stallTimeoutMs: 500,
      closeGraceMs: 500,
    },
  });
  for (const attack of attacks.filter(({ slow }) => slow === true)) {
    await t.step(attack.name, () => withstands(stage, [attack]));
  }
});

Deno.test("a peer that comes again has the resets it has left, and others have theirs", async () => {
  await using stage = await Stage.open({ http2: { resetBurst: 50, resetsPerSecond: 0 } });
  using first = await Attacker.greet(stage.target);
  await first.send(...resets(40));
  assert.equal(await first.call(1001), "200");
  using second = await Attacker.greet(stage.target);
  await second.send(...resets(40));
  assert.equal(await second.verdict(), "GOAWAY ENHANCE_YOUR_CALM");
  await stage.beside(Promise.resolve());
});

/** So many streams that are opened and reset. */
function resets(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => [
    headers(1 + 2 * at, literals(CALL), false),
    cancel(1 + 2 * at),
  ]).flat();
}

/** Makes attacks at once; all are answered as they should be, while and after which others are served. */
async function withstands(stage: Stage, attacks: readonly Attack[]): Promise<void> {
  const before = await stage.held();
  const strikes = attacks.flatMap(({ name, strike, times = 1 }) =>
    Array.from({ length: times }, async () => [name, await strike(stage.target)])
  );
  const found = await stage.beside(Promise.all(strikes));
  const after = await stage.settled(before);
  const expected = attacks.flatMap(({ name, answer, times = 1 }) =>
    Array.from({ length: times }, () => [name, answer])
  );
  assert.deepEqual(found, expected);
  const [bytes, cpuMs] = [after.bytes - before.bytes, after.cpuMs - before.cpuMs];
  assert.ok(bytes < MORE_BYTES, `holds ${bytes} bytes more than before`);
  assert.ok(cpuMs < CPU_MS, `took ${cpuMs} ms of processor time`);
}
