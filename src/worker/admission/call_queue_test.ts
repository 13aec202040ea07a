import assert from "node:assert/strict";
import { Overloaded } from "../../errors/mod.ts";
import type { WaitingCallObserver } from "../../rpc/mod.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { CallGate } from "./call_gate.ts";
import { CallQueue, type CallQueueLimits, type Entry } from "./call_queue.ts";

Deno.test("CallQueue lets calls wait for a place, the peers in turn", async () => {
  const { gate, queue, ask, order } = setUp({ queueCalls: 8 });
  gate.enter("running");
  for (const call of ["a1", "a2", "a3", "b1", "b2"]) ask(call);
  assert.equal(queue.length, 5);
  let running = "running";
  for (const expected of ["a1", "b1", "a2", "b2", "a3"]) {
    queue.leave(running);
    await settled();
    assert.equal(order.at(-1), expected);
    running = expected[0]!;
  }
  assert.equal(queue.length, 0);
});

Deno.test("CallQueue refuses a call beyond its length, the newest of the peer with most", async () => {
  const { gate, ask, refused } = setUp({ queueCalls: 3 });
  gate.enter("running");
  for (const call of ["a1", "a2", "a3", "a4"]) ask(call);
  await settled();
  assert.deepEqual([...refused.keys()], ["a4"]);
  assert.equal(refused.get("a4")!.notBegun, true);
  ask("b1");
  await settled();
  assert.deepEqual([...refused.keys()], ["a4", "a3"]);
});

Deno.test("CallQueue refuses the newest call of the peer with most bytes where there are too many", async () => {
  const { gate, ask, refused, queue } = setUp({ queueCalls: 8, queueBytes: 100 });
  gate.enter("running");
  const large = [ask("a1"), ask("a2"), ask("b1")];
  large.forEach((call) => call.received(33));
  await settled();
  assert.equal(refused.size, 0);
  large[2]!.received(2);
  await settled();
  assert.deepEqual([...refused.keys()], ["a2"]);
  assert.equal(queue.length, 2);
});

Deno.test("CallQueue refuses a call that waited too long, and forgets one whose caller is gone", async () => {
  const { gate, ask, refused, queue, clock } = setUp({ queueCalls: 8, queueTimeoutMs: 500 });
  gate.enter("running");
  ask("a1");
  ask("a2", 100);
  ask("a3").gone();
  assert.equal(queue.length, 2);
  clock.advance(100);
  await settled();
  assert.deepEqual([...refused.keys()], ["a3", "a2"]);
  clock.advance(400);
  await settled();
  assert.deepEqual([...refused.keys()], ["a3", "a2", "a1"]);
  assert.equal(clock.pending, 0);
});

Deno.test("CallQueue refuses a call at once that could not get a place before its deadline", async () => {
  const { gate, ask, refused, queue, clock } = setUp({ queueCalls: 8, queueTimeoutMs: 10_000 });
  gate.enter("running");
  for (const call of ["a1", "a2", "a3"]) ask(call);
  clock.advance(100);
  queue.leave("running");
  await settled();
  // A place was free after 100 ms; this call would be the third to get one.
  ask("a4", 250);
  await settled();
  assert.match(refused.get("a4")!.message, /free in about 300 ms, the call has 250 ms/);
  ask("b1", 250);
  await settled();
  assert.equal(refused.has("b1"), false);
});

Deno.test("CallQueue counts nothing of a call that waits no more", async () => {
  const { gate, ask, refused, queue } = setUp({ queueCalls: 8, queueBytes: 100 });
  gate.enter("running");
  const [placed, tooLarge] = [ask("a1"), ask("a2")];
  ask("a3");
  queue.leave("running");
  tooLarge!.received(101);
  // Both are decided, and more of their bodies comes in the same turn.
  placed!.received(60);
  tooLarge!.received(60);
  await settled();
  assert.deepEqual([...refused.keys()], ["a2"]);
  ask("b1").received(100);
  await settled();
  assert.deepEqual([...refused.keys()], ["a2"]);
  assert.equal(queue.length, 2);
});

Deno.test("CallQueue expects of a peer neither what another one waited, nor what it waited long ago", async () => {
  const { gate, ask, refused, queue, clock } = setUp({ queueCalls: 8, queueTimeoutMs: 10_000 });
  gate.enter("running");
  ask("a1");
  ask("a2");
  clock.advance(5_000);
  queue.leave("running");
  await settled();
  // It took 5 s until there was a place, for another peer.
  ask("b1", 50);
  await settled();
  assert.equal(refused.has("b1"), false);
  queue.leave("a");
  queue.leave("a");
  queue.leave("b");
  await settled();
  assert.equal(queue.length, 0);
  gate.enter("running");
  ask("a3", 50);
  await settled();
  assert.equal(refused.size, 0);
  clock.advance(10);
  queue.leave("running");
  await settled();
  assert.equal(refused.size, 0);
});

Deno.test("CallQueue does without a queue where none is asked for", () => {
  const { gate, queue } = setUp({ queueCalls: 0 });
  gate.enter("running");
  const entry = queue.enter("a", { timeoutMs: undefined, wait: () => assert.fail("waits") });
  assert.ok(entry instanceof Overloaded);
});

Deno.test("CallQueue refuses all that wait when its worker leaves", async () => {
  const { gate, queue, ask, refused, clock } = setUp({ queueCalls: 8 });
  gate.enter("running");
  ["a1", "a2", "b1"].forEach((call) => ask(call));
  queue.refuseAll(new Overloaded("leaving"));
  await settled();
  assert.equal(refused.size, 3);
  assert.deepEqual([queue.length, clock.pending], [0, 0]);
});

/** A queue before a gate with one place; a call is named after its peer, by one letter. */
function setUp(limits: Partial<CallQueueLimits>) {
  const clock = new ManualClock();
  const gate = new CallGate({ concurrency: 1, concurrencyPerPeer: 1 }, () => clock.now());
  let waiting = 0;
  const queue = new CallQueue({
    gate,
    clock,
    limits: { queueCalls: 8, queueBytes: 1_000, queueTimeoutMs: 1_000, ...limits },
    queued: (change) => assert.ok((waiting += change) >= 0),
  });
  const order: string[] = [];
  const refused = new Map<string, Overloaded>();
  const ask = (name: string, timeoutMs?: number): WaitingCallObserver => {
    let observer: WaitingCallObserver | undefined;
    const wait = (given: WaitingCallObserver) => void (observer = given);
    const decided = (entry: Entry) => {
      if (entry === undefined) order.push(name);
      else refused.set(name, entry as Overloaded);
    };
    void Promise.resolve(queue.enter(name[0]!, { timeoutMs, wait })).then(decided);
    return observer ?? { received: () => {}, gone: () => {} };
  };
  return { clock, gate, queue, ask, order, refused };
}

/** Every microtask has run; nothing here waits for anything else, so that nothing moves by itself any more. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
