import assert from "node:assert/strict";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import type { Attack } from "./attack.ts";
import { Attacker, CALL } from "./attacker.ts";
import { attacks } from "./attacks.ts";
import { floods } from "./floods.ts";
import { cancel, headers, literals } from "./frames.ts";
import { inTime } from "./in_time.ts";
import { Stage } from "./stage.ts";

/** What a worker may hold more after an attack than before. */
const MORE_BYTES = 64 * 1024 * 1024;
/** Processor time that attacks made at once may cost, in milliseconds: far more than they do. */
const CPU_MS = 20_000;
const slow = attacks.filter((attack) => attack.slow === true);
const quick = attacks.filter((attack) => !floods.includes(attack) && !slow.includes(attack));
/** How many attacks are made at once that are over in a moment. */
const AT_ONCE = 16;
/** How many floods are let loose at once; their sender has to be able to read, too. */
const FLOODS_AT_ONCE = 3;
/**
 * Limits of a worker that is not to be waited for; longer where honest peers need some time, too, and where a hundred
 * attackers who connect at once have to get through their own handshakes on a busy machine. They read what a worker
 * sends at its end long before the grace of closing is over: a connection closed sooner takes that away from them.
 */
const IMPATIENT: WorkerLimits = {
  handshakeTimeoutMs: 9000,
  receiveTimeoutMs: 3000,
  http2: {
    prefaceTimeoutMs: 4000,
    headerTimeoutMs: 1500,
    settingsAckTimeoutMs: 5000,
    stallTimeoutMs: 3000,
    closeGraceMs: 10_000,
  },
};

Deno.test("a worker answers floods as the RFC says, serves others, and keeps nothing", async () => {
  await using stage = await Stage.open();
  await withstandsFloods(stage);
});

Deno.test("a worker answers what is malformed as the RFC says, serves others, and keeps nothing", async () => {
  await using stage = await Stage.open();
  for (const made of inGroups(quick, AT_ONCE)) await withstands(stage, made);
});

Deno.test("a worker does not wait for peers who take their time", async () => {
  await using stage = await Stage.open(IMPATIENT);
  await doesNotWait(stage, slow);
});

Deno.test("a worker in plaintext answers and serves as behind TLS", async () => {
  await using stage = await Stage.openPlaintext("tcp");
  for (const made of inGroups(quick, AT_ONCE)) await withstands(stage, made);
  // Floods last: they use up what a peer may reset, and all who attack here are one peer.
  await withstandsFloods(stage);
});

Deno.test("a worker on a unix socket answers and serves as behind TLS", async () => {
  await using stage = await Stage.openPlaintext("unix");
  for (const made of inGroups(quick, AT_ONCE)) await withstands(stage, made);
});

Deno.test("a worker in plaintext does not wait for peers who take their time", async () => {
  await using stage = await Stage.openPlaintext("tcp", IMPATIENT);
  await doesNotWait(stage, slow.filter(({ inPlaintext }) => inPlaintext !== "none"));
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

function* inGroups(attacks: readonly Attack[], size: number): Generator<readonly Attack[]> {
  for (let at = 0; at < attacks.length; at += size) yield attacks.slice(at, at + size);
}

/** Floods of calls come one by one: together they would take each other's places for calls of one peer. */
async function withstandsFloods(stage: Stage): Promise<void> {
  const calling = floods.filter(({ answer }) => /^\d{3}$/.test(answer));
  const others = floods.filter((flood) => !calling.includes(flood));
  for (const made of inGroups(others, FLOODS_AT_ONCE)) await withstands(stage, made);
  for (const flood of calling) await withstands(stage, [flood]);
}

/** Those who only hold on do so at once; those who call would take each other's places for calls. */
async function doesNotWait(stage: Stage, slow: readonly Attack[]): Promise<void> {
  const holding = slow.filter(({ times = 1 }) => times > 1);
  await withstands(stage, holding);
  for (const attack of slow) if (!holding.includes(attack)) await withstands(stage, [attack]);
}

/** Makes attacks at once; all are answered as they should be, while and after which others are served. */
async function withstands(stage: Stage, attacks: readonly Attack[]): Promise<void> {
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
