import assert from "node:assert/strict";
import { getHeapSpaceStatistics } from "node:v8";
import { collectGarbage } from "./collect_garbage.ts";

Deno.test("collectGarbage() returns the room that young objects took, and offers gc to nobody", async () => {
  // Young objects that survive have V8 enlarge the room for them.
  const kept: object[] = [];
  do kept.push({ n: kept.length }); while (youngBytes() < 4 * 1024 * 1024);
  await collectGarbage();
  assert.ok(youngBytes() <= 1024 * 1024, `${youngBytes()} bytes`);
  assert.ok(kept.length > 0);
  assert.equal("gc" in globalThis, false);
});

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")!.space_size;
}
