import assert from "node:assert/strict";
import {
  certificateShapes,
  denylistOf,
  makeAuthorities,
} from "../../tests/support/certificates.ts";
import {
  callOnce,
  CLIENT_ID,
  dialAs,
  listenAs,
  materialOf,
  TurnableSource,
  WORKER_ID,
} from "../../tests/support/peers.ts";
import { JudgingTurns } from "./judging_turns.ts";

/** Turns that begin when the test says so, on a clock that each verdict moves on. */
function heldTurns() {
  let now = 0;
  const begins: (() => void)[] = [];
  const delays: number[] = [];
  const turns = new JudgingTurns(() => now, (begin, delayMs) => {
    begins.push(begin);
    delays.push(delayMs);
  });
  return {
    turns,
    delays,
    takesMs: (ms: number) => now += ms,
    begin: () => begins.shift()?.(),
  };
}

Deno.test("JudgingTurns judges for 5 ms of a turn, and leaves the loop as long", () => {
  const { turns, delays, takesMs, begin } = heldTurns();
  const judged: number[] = [];
  for (let peer = 0; peer < 100; peer++) {
    turns.take(() => {
      judged.push(peer);
      takesMs(0.25);
    });
  }
  assert.equal(judged.length, 20);
  begin();
  assert.equal(judged.length, 40);
  assert.equal(delays.at(-1), 5);
  for (let turn = 2; turn < 5; turn++) begin();
  assert.deepEqual(judged, Array.from({ length: 100 }, (_, peer) => peer));
});

Deno.test("JudgingTurns judges a few at once however long they take", () => {
  const { turns, takesMs, begin } = heldTurns();
  let judged = 0;
  for (let peer = 0; peer < 33; peer++) {
    turns.take(() => {
      judged += 1;
      takesMs(50);
    });
  }
  assert.equal(judged, 16);
  begin();
  assert.equal(judged, 32);
  begin();
  assert.equal(judged, 33);
});

Deno.test("a client that is denied takes no call before its turn to be judged, and others are served", async () => {
  const authorities = makeAuthorities();
  const trusts = [authorities.root];
  const client = certificateShapes(authorities, CLIENT_ID);
  const denied = client.fine();
  const certificate = certificateShapes(authorities, WORKER_ID).fine();
  const fresh = materialOf({ certificate, trusts });
  const source = new TurnableSource(fresh);
  const { turns, takesMs, begin } = heldTurns();
  // Nothing is judged in this turn any more.
  for (let peer = 0; peer < 16; peer++) turns.take(() => takesMs(1));
  await using listener = await listenAs(source, { judgingTurns: turns });
  const idle = await dialAs({ certificate: denied, trusts }, listener.address);
  const calling = await dialAs({ certificate: denied, trusts }, listener.address);
  const other = await dialAs({ certificate: client.fine(), trusts }, listener.address);
  // Each is held by the listener once it is answered.
  for (const peer of [idle, calling, other]) assert.equal(await callOnce(peer), "complete");
  const { denylist } = materialOf({ certificate, trusts, denylist: denylistOf(denied) });
  source.turn({ ...fresh, denylist, generation: fresh.generation + 1 });

  assert.equal(await callOnce(other), "complete");
  assert.equal(await callOnce(calling), "not-processed");
  assert.equal(listener.connections().filter(({ takesCalls }) => takesCalls).length, 2);
  begin();
  await idle.connection.closed;
  assert.equal(await callOnce(other), "complete");
});
