import assert from "node:assert/strict";
import { PeerResets } from "./peer_resets.ts";

Deno.test("PeerResets gives a peer that comes again what it has left, and time gives it back", () => {
  let now = 0;
  const resets = new PeerResets({ resetBurst: 2, resetsPerSecond: 1 }, () => now);
  assert.deepEqual([resets.of("a").spend(), resets.of("a").spend()], [true, true]);
  assert.equal(resets.of("a").spend(), false);
  assert.equal(resets.of("b").spend(), true);
  now = 1000;
  assert.equal(resets.of("a").spend(), true);
});

Deno.test("PeerResets forgets the peer that was here longest ago once there are too many", () => {
  const resets = new PeerResets({ resetBurst: 1, resetsPerSecond: 0 }, () => 0);
  resets.of("late").spend();
  resets.of("often").spend();
  for (let peer = 0; peer < 4096; peer++) {
    resets.of(`peer ${peer}`);
    resets.of("often");
  }
  assert.equal(resets.of("late").spend(), true);
  assert.equal(resets.of("often").spend(), false);
});
