import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Deadlines } from "./deadlines.ts";
import { ManualTime } from "../../tests/support/http2/test_peer.ts";

Deno.test("Deadlines call back each in its time, on one timer", () => {
  const time = new ManualTime();
  const deadlines = new Deadlines(time.clock, time.schedule);
  const passed: string[] = [];
  deadlines.set("pong", 300, () => passed.push("pong"));
  deadlines.set("preface", 100, () => passed.push("preface"));
  deadlines.set("close", 200, () => passed.push("close"));
  strictEqual(time.armed, 1);
  time.advance(150);
  deepStrictEqual(passed, ["preface"]);
  time.advance(1000);
  deepStrictEqual(passed, ["preface", "close", "pong"]);
  strictEqual(time.armed, 0);
});

Deno.test("Deadlines that were cleared or set anew do not pass", () => {
  const time = new ManualTime();
  const deadlines = new Deadlines(time.clock, time.schedule);
  const passed: string[] = [];
  deadlines.set("pong", 100, () => passed.push("old"));
  deadlines.set("pong", 200, () => passed.push("new"));
  deadlines.set("close", 100, () => passed.push("close"));
  deadlines.clear("close");
  strictEqual(deadlines.has("close"), false);
  time.advance(150);
  strictEqual(passed.length, 0);
  time.advance(100);
  deepStrictEqual(passed, ["new"]);
  deadlines.set("close", 100, () => passed.push("never"));
  deadlines.clearAll();
  strictEqual(time.armed, 0);
});

Deno.test("a deadline of 0 is none", () => {
  const time = new ManualTime();
  const deadlines = new Deadlines(time.clock, time.schedule);
  deadlines.set("keepalive", 0, () => {});
  strictEqual(time.armed, 0);
});
