import assert from "node:assert/strict";
import { Overloaded } from "../errors/mod.ts";
import { CallGate } from "./call_gate.ts";

Deno.test("CallGate lets as many calls in as it has places, and one more after one has left", () => {
  const gate = new CallGate(2, () => 0);
  assert.deepEqual([gate.enter(), gate.enter()], [undefined, undefined]);
  assert.ok(gate.enter() instanceof Overloaded);
  assert.equal(gate.inFlight, 2);
  gate.leave();
  assert.equal(gate.enter(), undefined);
});

Deno.test("CallGate tells for how many seconds it has been without a call", () => {
  let now = 0;
  const gate = new CallGate(2, () => now);
  now = 2_500;
  assert.equal(gate.idleSeconds, 2);
  gate.enter();
  assert.equal(gate.idleSeconds, 0);
  now = 10_000;
  gate.leave();
  now = 11_000;
  assert.equal(gate.idleSeconds, 1);
});

Deno.test("CallGate emptied() resolves once the last call has left", async () => {
  const gate = new CallGate(2, () => 0);
  await gate.emptied();
  gate.enter();
  gate.enter();
  let emptied = false;
  const waiting = gate.emptied().then(() => emptied = true);
  gate.leave();
  await Promise.resolve();
  assert.equal(emptied, false);
  gate.leave();
  await waiting;
});
