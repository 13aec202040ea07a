import assert from "node:assert/strict";
import { LoopWatchdog } from "./loop_watchdog.ts";

Deno.test("LoopWatchdog names the routine that blocks the event loop, and those beside it", async () => {
  const reported = Promise.withResolvers<unknown>();
  using watchdog = new LoopWatchdog({
    workerId: "w",
    routines: ["idle", "waits", "spins"],
    afterMs: 20,
    onBlocked: ({ routine, others, emitted }, blockedMs) => {
      assert.ok(blockedMs >= 20);
      reported.resolve({ routine, others, emitted });
    },
  });
  const waits = watchdog.enter("waits");
  const spins = watchdog.enter("spins");
  let over = false;
  reported.promise.then(() => over = true);
  // The thread may not have its turn in one block on a busy machine.
  while (!over) {
    for (const end = Date.now() + 100; Date.now() < end;);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.deepEqual(await reported.promise, { routine: "spins", others: ["waits"], emitted: false });
  spins?.[Symbol.dispose]();
  waits?.[Symbol.dispose]();
});
