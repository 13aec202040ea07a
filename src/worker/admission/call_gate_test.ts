import assert from "node:assert/strict";
import { Overloaded } from "../../errors/mod.ts";
import { CallGate } from "./call_gate.ts";

Deno.test("CallGate lets as many calls in as it has places, and one more after one has left", () => {
  const gate = new CallGate({ concurrency: 2, concurrencyPerPeer: 2 }, () => 0);
  assert.deepEqual([gate.enter("a"), gate.enter("a")], [undefined, undefined]);
  assert.ok(gate.enter("a") instanceof Overloaded);
  assert.equal(gate.inFlight, 2);
  gate.leave("a");
  assert.equal(gate.enter("a"), undefined);
});

Deno.test("CallGate reports for how many seconds it has been without a call", () => {
  let now = 0;
  const gate = new CallGate({ concurrency: 2, concurrencyPerPeer: 2 }, () => now);
  now = 2_500;
  assert.equal(gate.idleSeconds, 2);
  gate.enter("a");
  assert.equal(gate.idleSeconds, 0);
  now = 10_000;
  gate.leave("a");
  now = 11_000;
  assert.equal(gate.idleSeconds, 1);
});

Deno.test("CallGate keeps places that one peer cannot take from the others", () => {
  const gate = new CallGate({ concurrency: 16, concurrencyPerPeer: 14 }, () => 0);
  for (let call = 0; call < 14; call++) assert.equal(gate.enter("greedy"), undefined);
  assert.ok(gate.enter("greedy") instanceof Overloaded);
  assert.deepEqual([gate.enter("modest"), gate.enter("modest")], [undefined, undefined]);
  assert.ok(gate.enter("modest") instanceof Overloaded);
  gate.leave("greedy");
  assert.ok(gate.enter("greedy") instanceof Overloaded);
  assert.equal(gate.enter("third"), undefined);
});

Deno.test("CallGate keeps as many places from a peer as its limits say", () => {
  const gate = new CallGate({ concurrency: 16, concurrencyPerPeer: 1 }, () => 0);
  assert.equal(gate.enter("a"), undefined);
  assert.ok(gate.enter("a") instanceof Overloaded);
  assert.equal(gate.enter("b"), undefined);
});

Deno.test("CallGate makes no error for each call that it refuses", () => {
  const gate = new CallGate({ concurrency: 2, concurrencyPerPeer: 1 }, () => 0);
  gate.enter("a");
  assert.equal(gate.enter("a"), gate.enter("a"));
  gate.enter("b");
  assert.equal(gate.enter("b"), gate.enter("c"));
  assert.notEqual(gate.enter("c"), undefined);
});

Deno.test("CallGate keeps places for another peer when several take what they can", () => {
  const gate = new CallGate({ concurrency: 16, concurrencyPerPeer: 14 }, () => 0);
  const takeAll = (peer: string) => {
    let taken = 0;
    while (gate.enter(peer) === undefined) taken += 1;
    return taken;
  };
  for (let call = 0; call < 7; call++) {
    gate.enter("a");
    gate.enter("b");
  }
  assert.deepEqual([takeAll("a"), takeAll("b")], [0, 0]);
  assert.equal(gate.enter("c"), undefined);
});
