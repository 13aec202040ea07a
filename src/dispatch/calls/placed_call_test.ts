import assert from "node:assert/strict";
import { remainingMs } from "./placed_call.ts";

Deno.test("remainingMs() is no more than the limit of a call that begins now", () => {
  for (let now = 0.1; now < 1e9; now = now * 1.01 + 0.1) {
    assert.equal(remainingMs({ deadline: now + 60_000 }, now), 60_000, `${now}`);
  }
});

Deno.test("remainingMs() rounds up, to one millisecond at least", () => {
  assert.equal(remainingMs({ deadline: 1_000.5 }, 999), 2);
  assert.equal(remainingMs({ deadline: 1_000 }, 999.5), 1);
  assert.equal(remainingMs({ deadline: 1_000 }, 2_000), 1);
  assert.equal(remainingMs({ deadline: undefined }), undefined);
});
