import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { TokenSessions } from "./token_session.ts";

const at = (until: number, more: object = {}) => ({ iss: "i", sub: "alice", exp: until, ...more });

Deno.test("TokenSession ends with its token by the clock it is given, unless one that claims the same came", async () => {
  const clock = new ManualClock(1_000);
  const sessions = new TokenSessions(clock);
  const ended: string[] = [];
  const session = sessions.of(at(2, { iat: 1, jti: "a" }), 2_000);
  session.watch((error) => ended.push(`alice ${error.reason}`));
  sessions.of({ iss: "i", sub: "bob" }, 1_500).watch(() => ended.push("bob"));
  // Neither another subject's token nor a shorter one extends it.
  sessions.of({ iss: "j", sub: "alice" }, 9_000);
  sessions.of(at(1), 1_200);
  await clock.advanceInTurns(600);
  assert.deepEqual(ended, ["bob"]);
  assert.equal(sessions.of(at(3, { iat: 2, jti: "b", nbf: 2 }), 3_000), session);
  await clock.advanceInTurns(900);
  assert.deepEqual(ended, ["bob"]);
  await clock.advanceInTurns(500);
  assert.deepEqual(ended, ["bob", "alice token-expired"]);
});

Deno.test("TokenSession that stronger claims opened is extended by no token of the same subject that claims less", async () => {
  const clock = new ManualClock(1_000);
  const sessions = new TokenSessions(clock);
  const ended: string[] = [];
  const strong = { groups: ["admin"], of: { a: 1, b: 2 } };
  const session = sessions.of(at(2, strong), 2_000);
  session.watch(() => ended.push("admin"));
  for (const weaker of [{}, { groups: [] }, { groups: ["admin"], of: { a: 1 } }]) {
    assert.notEqual(sessions.of(at(9, weaker), 9_000), session);
  }
  assert.equal(sessions.of(at(1, { of: { b: 2, a: 1 }, groups: ["admin"] }), 1_500), session);
  await clock.advanceInTurns(1_000);
  assert.deepEqual(ended, ["admin"]);
});

Deno.test("TokenSession insists that it is not over, for a body that comes late", () => {
  const clock = new ManualClock(1_000);
  const session = new TokenSessions(clock).of(at(2), 2_000);
  clock.advance(999);
  session.insist();
  clock.advance(1);
  assert.throws(() => session.insist(), { reason: "token-expired" });
  session.renewed(3_000);
  session.insist();
});

Deno.test("TokenSession of a token without a subject, or of claims that JSON cannot write, is extended by no other token", async () => {
  const clock = new ManualClock(1_000);
  const sessions = new TokenSessions(clock);
  const ended: string[] = [];
  for (const claims of [{ role: "admin" }, { sub: "alice", size: 1n }]) {
    sessions.of(claims, 2_000).watch(() => ended.push("ended"));
    sessions.of(claims, 9_000);
  }
  await clock.advanceInTurns(1_000);
  assert.deepEqual(ended, ["ended", "ended"]);
});
