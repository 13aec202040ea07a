import assert from "node:assert/strict";
import { ManualClock, turn } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import type { PeerListener } from "../peer/mod.ts";
import { CallGate } from "./admission/call_gate.ts";
import { WorkerHealth } from "./health/health.ts";
import { Leaving } from "./leaving.ts";

/** A worker that begins to leave, whose connections never end. */
function leave(announceGraceMs: number, graceMs: number) {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const health = new WorkerHealth(() => new Set());
  const gate = new CallGate({ concurrency: 1, concurrencyPerPeer: 1 }, () => clock.now());
  const queue = { refuseAll: () => {} };
  const leaving = new Leaving({
    id: "w",
    gate,
    queue,
    health,
    observer,
    clock,
    announceGraceMs,
  });
  const listener = { drain: () => new Promise<void>(() => {}) } as PeerListener;
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  let isOver = false;
  void leaving.leave([listener], undefined, nothing, graceMs).then(() => isOver = true);
  const takesCalls = () => leaving.refusal === undefined;
  return { clock, takesCalls, health, isOver: () => isOver };
}

Deno.test("a worker that leaves takes calls for announceGraceMs after its health says so, within the grace", async () => {
  const { clock, takesCalls, health, isOver } = leave(2_000, 5_000);
  assert.equal(health.serving, false);
  await clock.advanceInTurns(1_999);
  assert.equal(takesCalls(), true);
  await clock.advanceInTurns(1);
  assert.equal(takesCalls(), false);
  await clock.advanceInTurns(2_999);
  assert.equal(isOver(), false);
  await clock.advanceInTurns(1);
  assert.equal(isOver(), true);
});

Deno.test("a worker that leaves without a grace takes no call more", async () => {
  const { takesCalls, isOver, clock } = leave(2_000, 0);
  assert.equal(takesCalls(), false);
  clock.advance(0);
  await turn();
  assert.equal(isOver(), true);
});
