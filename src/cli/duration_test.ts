import assert from "node:assert/strict";
import { parseDuration } from "./duration.ts";

Deno.test("parseDuration() reads each unit", () => {
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("1.5s"), 1500);
  assert.equal(parseDuration("5m"), 300_000);
  assert.equal(parseDuration("24h"), 86_400_000);
  assert.equal(parseDuration("7d"), 604_800_000);
});

Deno.test("parseDuration() refuses what is no duration", () => {
  for (const text of ["", "25", "s", "-1s", "1e3s", "25 s", "25S"]) {
    assert.throws(() => parseDuration(text), /a duration such as/, text);
  }
});
