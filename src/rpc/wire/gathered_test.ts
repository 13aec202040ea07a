import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import fc from "../../../tests/support/fast_check.ts";
import { GatherBudget } from "./gather_budget.ts";
import { Gathered } from "./gathered.ts";

Deno.test("Gathered gives back what was added, in whatever pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }), (pieces) => {
      const gathered = new Gathered();
      for (const [at, piece] of pieces.entries()) {
        gathered.add(piece);
        if (at === 1) gathered.compact();
      }
      assert.deepEqual([...gathered.take()], pieces.flatMap((piece) => [...piece]));
      assert.equal(gathered.length, 0);
    }),
  );
});

Deno.test("Gathered keeps no chunk that a compacted piece was cut from", () => {
  const chunk = new Uint8Array(64 * 1024);
  const gathered = new Gathered();
  gathered.add(chunk.subarray(0, 1));
  gathered.compact();
  assert(gathered.take().buffer.byteLength < chunk.byteLength);
});

Deno.test("Gathered refuses a large message once all of them take too much", () => {
  const budget = new GatherBudget(1_000_000);
  const first = new Gathered(budget);
  for (let count = 0; count < 9; count++) first.add(new Uint8Array(100_000));
  const second = new Gathered(budget);
  second.add(new Uint8Array(100_000));
  assert.throws(() => second.add(new Uint8Array(300_000)), { code: Code.ResourceExhausted });
  second.drop();
  first.take();
  second.add(new Uint8Array(100_000));
  second.add(new Uint8Array(300_000));
  assert.equal(second.length, 400_000);
});

Deno.test("Gathered takes small messages whatever the large ones take", () => {
  const budget = new GatherBudget(0);
  const small = new Gathered(budget);
  small.add(new Uint8Array(10_000));
  small.add(new Uint8Array(10_000));
  assert.equal(small.length, 20_000);
});

Deno.test("a budget within another is held to both", () => {
  const whole = new GatherBudget(300_000);
  const parts = [new GatherBudget(200_000, whole), new GatherBudget(200_000, whole)];
  const [first, second] = parts.map((part) => new Gathered(part)) as [Gathered, Gathered];
  first.add(new Uint8Array(100_000));
  first.add(new Uint8Array(100_000), 200_000);
  assert.throws(() => first.add(new Uint8Array(100_000), 300_000), {
    code: Code.ResourceExhausted,
  });
  first.drop();
  second.add(new Uint8Array(100_000));
  second.add(new Uint8Array(100_000), 200_000);
  first.add(new Uint8Array(100_000));
  first.add(new Uint8Array(100_000), 200_000);
  const third = new Gathered(whole);
  third.add(new Uint8Array(100_000));
  assert.throws(() => third.add(new Uint8Array(100_000)), { code: Code.ResourceExhausted });
});
