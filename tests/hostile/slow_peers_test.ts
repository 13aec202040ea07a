/** Peers who take their time: what is waited for here is mostly the clock. */
import type { WorkerLimits } from "../../src/worker/mod.ts";
import type { Attack } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { Stage } from "./stage.ts";
import { withstands } from "./withstands.ts";

const slow = attacks.filter((attack) => attack.slow === true);

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

Deno.test("a worker does not wait for peers who take their time", async () => {
  await using stage = await Stage.open(IMPATIENT);
  await doesNotWait(stage, slow);
});

Deno.test("a worker in plaintext does not wait for peers who take their time", async () => {
  await using stage = await Stage.openPlaintext("tcp", IMPATIENT);
  await doesNotWait(stage, slow.filter(({ inPlaintext }) => inPlaintext !== "none"));
});

/** Those who only hold on do so at once; those who call would take each other's places for calls. */
async function doesNotWait(stage: Stage, slow: readonly Attack[]): Promise<void> {
  const holding = slow.filter(({ times = 1 }) => times > 1);
  await withstands(stage, holding);
  for (const attack of slow) if (!holding.includes(attack)) await withstands(stage, [attack]);
}
