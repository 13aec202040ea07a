import assert from "node:assert/strict";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { RefusedSessions } from "./refused_sessions.ts";

Deno.test("RefusedSessions knows a host by its address, whatever the port, for an hour", () => {
  const clock = new ManualClock();
  const sessions = new RefusedSessions(clock);
  sessions.refused("192.0.2.1:4000");
  sessions.refused("[2001:db8::1]:4000");
  assert.equal(sessions.has("192.0.2.1:4001"), true);
  assert.equal(sessions.has("[2001:db8::1]:9"), true);
  assert.equal(sessions.has("192.0.2.2:4000"), false);
  clock.advance(3_600_000);
  assert.equal(sessions.has("192.0.2.1:4001"), false);
});

Deno.test("RefusedSessions forgets the oldest host where there are too many", () => {
  const sessions = new RefusedSessions(new ManualClock());
  for (let host = 0; host <= 1024; host += 1) {
    sessions.refused(`10.0.${host >> 8}.${host & 0xff}:1`);
  }
  assert.equal(sessions.has("10.0.0.0:1"), false);
  assert.equal(sessions.has("10.0.0.1:1"), true);
  assert.equal(sessions.has("10.0.4.0:1"), true);
});
