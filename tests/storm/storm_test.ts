import assert from "node:assert/strict";
import { storm } from "./storm.ts";

Deno.test("no call is lost and none runs twice while authorities roll over, workers restart and a caller is denied, and all is returned", async () => {
  const { wrong, ...report } = await storm({ rounds: 2, seconds: 0 });
  assert.deepEqual(wrong, [], JSON.stringify(report));
  assert.ok(report.calls > 0 && report.rollOvers >= 2 && report.denials >= 2);
  assert.ok(report.drained >= 2 && report.killed >= 2);
});
