import assert from "node:assert/strict";
import { getHeapSpaceStatistics } from "node:v8";
import { collectOnceIdle } from "./collect_once_idle.ts";

Deno.test("collectOnceIdle() returns the room of young objects once no call is in flight", async () => {
  const kept: object[] = [];
  while (youngBytes() < 4 * 1024 * 1024) kept.push({ n: kept.length });
  const calls = [1, 1, 0];
  const worker = {
    get inFlight() {
      assert.ok(youngBytes() > 1024 * 1024, "nothing is collected while a call is in flight");
      return calls.shift()!;
    },
  };
  using _ = collectOnceIdle(worker);
  while (youngBytes() > 1024 * 1024) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(calls, []);
  assert.ok(kept.length > 0);
});

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")!.space_size;
}
