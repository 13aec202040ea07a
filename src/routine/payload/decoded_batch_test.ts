import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { DecodedBatch } from "./decoded_batch.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";
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
        arbitrary: fc.uint8Array({ maxLength: 140 }).map((v) => encodePayload(v, "item")),
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

Deno.test("DecodedBatch decodes 128 items ahead at most, and forgets them when they are dropped", () => {
  let given = 0;
  const next = () => encodePayload(given++, "item");
  const batch = new DecodedBatch("item", undefined);
  batch.fill(next(), next);
  assert.equal(given, 128);
  assert.equal(batch.take(), 0);
  batch.drop();
  assert.equal(batch.isEmpty, true);
  batch.fill(next(), () => BROKEN);
  assert.equal(batch.take(), 128);
  assert.equal(batch.isEmpty, false);
  batch.drop();
  assert.equal(batch.isEmpty, true);
});

Deno.test("DecodedBatch decodes 4 KiB ahead at most", () => {
  let given = 0;
  const next = () => {
    given++;
    return encodePayload(new Uint8Array(126), "item");
  };
  new DecodedBatch("item", undefined).fill(next(), next);
  assert.equal(given, 4096 / 128);
});

/** Byte strings of each length, each of one byte again and again, decoded together. */
function decodedTogether(lengths: readonly number[], batch = new DecodedBatch("item", undefined)) {
  const payloads = lengths.map((length, n) =>
    encodePayload(new Uint8Array(length).fill(n + 1), "item")
  );
  const [first, ...others] = payloads as [EncodedPayload, ...EncodedPayload[]];
  batch.fill(first, () => others.shift());
  return lengths.map(() => batch.take() as Uint8Array<ArrayBuffer>);
}

function assertWhole(items: readonly Uint8Array[], lengths: readonly number[]): void {
  assert.deepEqual(items, lengths.map((length, n) => new Uint8Array(length).fill(n + 1)));
}

Deno.test("DecodedBatch lets small byte strings share a buffer, which cannot be transferred", () => {
  const lengths = [0, 1, 23, 24, 32, 126];
  const items = decodedTogether(lengths);
  assert.equal(new Set(items.map(({ buffer }) => buffer)).size, 1);
  const { port1, port2 } = new MessageChannel();
  for (const { buffer } of items) {
    assert.throws(() => structuredClone(buffer, { transfer: [buffer] }));
    assert.throws(() => port1.postMessage(buffer, [buffer]));
    assert.throws(() => buffer.transfer());
  }
  port1.close();
  port2.close();
  assertWhole(items, lengths);
});

Deno.test("DecodedBatch gives an item that nothing shares, and a larger one, a buffer of its own", () => {
  for (const items of [decodedTogether([32]), decodedTogether([127, 32, 2000])]) {
    for (const item of items) {
      assert.equal(item.buffer.byteLength, item.byteLength);
      const { byteLength } = item;
      assert.equal(structuredClone(item, { transfer: [item.buffer] }).byteLength, byteLength);
    }
  }
});

Deno.test("DecodedBatch shares a buffer among the items of one filling, of 4 KiB at most", () => {
  const lengths = Array.from({ length: 32 }, () => 126);
  const batch = new DecodedBatch("item", undefined);
  const kept = decodedTogether(lengths, batch);
  const later = decodedTogether(lengths.with(0, 1), batch);
  assert.notEqual(later[0]!.buffer, kept[0]!.buffer);
  assert.equal(kept[0]!.buffer.byteLength, 4096);
  for (const item of later) new Uint8Array(item.buffer).fill(99);
  assertWhole(kept, lengths);
});

Deno.test("DecodedBatch gives items that can be written to without changing each other", () => {
  const lengths = [32, 32, 32];
  const payloads = lengths.map((length, n) =>
    encodePayload(new Uint8Array(length).fill(n + 1), "item")
  );
  const batch = new DecodedBatch("item", undefined);
  const others = payloads.slice(1);
  batch.fill(payloads[0]!, () => others.shift());
  const items = lengths.map(() => batch.take() as Uint8Array);
  items[1]!.fill(99);
  assert.deepEqual(items[1], new Uint8Array(32).fill(99));
  assertWhole(items.with(1, new Uint8Array(32).fill(2)), lengths);
  assertWhole(payloads.map((payload) => decodePayload(payload, "item") as Uint8Array), lengths);
});

Deno.test("DecodedBatch refuses byte strings where limits allow none, as decoding does", () => {
  const limits = { ...DEFAULT_PAYLOAD_LIMITS, containers: 0 };
  const payload = encodePayload(new Uint8Array(32), "item");
  const batch = new DecodedBatch("item", limits);
  assert.throws(() => decodePayload(payload, "item", limits), { name: "InvalidPayload" });
  assert.throws(() => batch.fill(payload, () => payload), { name: "InvalidPayload" });
  assert.equal(batch.isEmpty, true);
});
