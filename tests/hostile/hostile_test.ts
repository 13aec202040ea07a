import assert from "node:assert/strict";
import type { Attack } from "./attack.ts";
import { Attacker, CALL } from "./attacker.ts";
import { attacks } from "./attacks.ts";
import { floods } from "./floods.ts";
import { cancel, headers, literals } from "./frames.ts";
import { Stage } from "./stage.ts";
import { withstands } from "./withstands.ts";

const quick = attacks.filter((attack) => !floods.includes(attack) && attack.slow !== true);
/** How many attacks are made at once that are over in a moment. */
const AT_ONCE = 16;
/** How many floods are let loose at once; their sender has to be able to read, too. */
const FLOODS_AT_ONCE = 3;

Deno.test("a worker answers floods as the RFC says, serves others, and keeps nothing", async () => {
  await using stage = await Stage.open();
  await withstandsFloods(stage);
});

Deno.test("a worker answers what is malformed as the RFC says, serves others, and keeps nothing", async () => {
  await using stage = await Stage.open();
  for (const made of inGroups(quick, AT_ONCE)) await withstands(stage, made);
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
