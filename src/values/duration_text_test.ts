import assert from "node:assert/strict";
import { durationText } from "./duration_text.ts";

Deno.test("durationText() shows the two largest units, rounded down", () => {
  const second = 1_000;
  const shown: readonly [ms: number, text: string][] = [
    [0, "0s"],
    [250.7, "250ms"],
    [second, "1s"],
    [45.9 * second, "45s"],
    [90 * second, "1m 30s"],
    [3_600 * second - 1, "59m 59s"],
    [3_600 * second + 59 * second, "1h"],
    [(3 * 3_600 + 12 * 60 + 5) * second, "3h 12m"],
    [86_400 * second, "1d"],
    [(86_400 + 2 * 3_600) * second, "1d 2h"],
    [(30 * 86_400 - 1) * second, "29d 23h"],
    [(823 * 86_400 + 7_200) * second, "823d"],
  ];
  assert.deepEqual(shown.map(([ms]) => durationText(ms)), shown.map(([, text]) => text));
});
