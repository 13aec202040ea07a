import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { TokenSessions } from "./token_session.ts";

Deno.test("TokenSession ends with its token, unless a later one of the same subject came", async () => {
  const clock = new ManualClock(1_000);
  const sessions = new TokenSessions();
  const ended: string[] = [];
  const session = sessions.of({ iss: "i", sub: "alice" }, 2_000);
  session.watch((error) => ended.push(`alice ${error.reason}`), clock);
  sessions.of({ iss: "i", sub: "bob" }, 1_500).watch(() => ended.push("bob"), clock);
  // Neither another subject's token nor a shorter one extends it.
  sessions.of({ iss: "j", sub: "alice" }, 9_000);
  sessions.of({ iss: "i", sub: "alice" }, 1_200);
  await clock.advance(600);
  assert.deepEqual(ended, ["bob"]);
  assert.equal(sessions.of({ iss: "i", sub: "alice" }, 3_000), session);
  await clock.advance(900);
  assert.deepEqual(ended, ["bob"]);
  await clock.advance(500);
  assert.deepEqual(ended, ["bob", "alice token-expired"]);
});

Deno.test("TokenSession insists that it is not over, for a body that comes late", () => {
  const clock = new ManualClock(1_000);
  const session = new TokenSessions().of({ iss: "i", sub: "alice" }, 2_000);
  session.insist(clock);
  session.insist(new ManualClock(1_999));
  assert.throws(() => session.insist(new ManualClock(2_000)), { reason: "token-expired" });
  session.renewed(3_000);
  session.insist(new ManualClock(2_000));
});

Deno.test("TokenSession of a token that names no subject is extended by no other token", async () => {
  const clock = new ManualClock(1_000);
  const sessions = new TokenSessions();
  const ended: string[] = [];
  sessions.of({ role: "admin" }, 2_000).watch(() => ended.push("admin"), clock);
  sessions.of({ role: "reader" }, 9_000);
  await clock.advance(1_000);
  assert.deepEqual(ended, ["admin"]);
});
