import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { DecodedBatch } from "./decoded_batch.ts";
import { decodePayload, type EncodedPayload, encodePayload } from "./payload.ts";

const BROKEN: EncodedPayload = { form: "cbor", bytes: new Uint8Array([0xff]) };

/** What comes of items that are read one after the other, up to what cannot be read. */
function readAll(next: () => unknown): unknown[] {
  const read: unknown[] = [];
  try {
    for (;;) read.push(next());
  } catch (error) {
    return [...read, error === END ? "end" : String(error)];
  }
}

const END = new Error("there are no more");

Deno.test("DecodedBatch gives what decoding one by one gives, and a fault in its place", () => {
  const items = fc.array(
    fc.oneof(
      {
        weight: 30,
        arbitrary: fc.uint8Array({ maxLength: 40 }).map((v) => encodePayload(v, "item")),
      },
      {
        weight: 30,
        arbitrary: fc.integer().map((v) => encodePayload(v, "item", { form: "json" })),
      },
      { weight: 1, arbitrary: fc.constant(BROKEN) },
    ),
    { maxLength: 100 },
  );
  fc.assert(fc.property(items, (items) => {
    const one = items.values();
    const plain = readAll(() => {
      const { done, value } = one.next();
      if (done) throw END;
      return decodePayload(value, "item");
    });
    const some = items.values();
    const next = () => some.next().value;
    const batch = new DecodedBatch("item", undefined);
    const fast = readAll(() => {
      if (batch.isEmpty) {
        const first = next();
        if (first === undefined) throw END;
        batch.fill(first, next);
      }
      return batch.take();
    });
    assert.deepEqual(fast, plain);
  }));
});

Deno.test("DecodedBatch decodes 32 items ahead at most, and forgets them when they are dropped", () => {
  let given = 0;
  const next = () => encodePayload(given++, "item");
  const batch = new DecodedBatch("item", undefined);
  batch.fill(next(), next);
  assert.equal(given, 32);
  assert.equal(batch.take(), 0);
  batch.drop();
  assert.equal(batch.isEmpty, true);
  batch.fill(next(), () => BROKEN);
  assert.equal(batch.take(), 32);
  assert.equal(batch.isEmpty, false);
  batch.drop();
  assert.equal(batch.isEmpty, true);
});
