import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidPayload } from "../../errors/mod.ts";
import { decodeCbor } from "./cbor_decode.ts";
import { encodeCbor } from "./cbor_encode.ts";
import { Malformed } from "./faults.ts";
import { KeyCost } from "./key_cost.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";
import { decodePayload, encodePayload } from "./payload.ts";

/** A clock of counted work: every key that is added costs what `costOf` says, in milliseconds. */
class CountedCost extends KeyCost {
  keys = 0;
  spentMs = 0;
  readonly #costOf: (keysBefore: number) => number;

  constructor(costOf: (keysBefore: number) => number) {
    super(() => this.spentMs);
    this.#costOf = costOf;
  }

  override exceeded(key: unknown, at: number): boolean {
    this.spentMs += this.#costOf(this.keys++);
    return super.exceeded(key, at);
  }
}

Deno.test("decodeCbor() reads many entries whose keys cost what ordinary ones do", () => {
  const numbers = new Set(Array.from({ length: 200_000 }, (_, i) => i));
  assert.equal((decodeCbor(encodeCbor(numbers, 64), 64) as Set<number>).size, 200_000);
});

Deno.test("decodeCbor() ends early where each of many entries costs as much as all before it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2_000, max: 60_000 }),
      fc.constantFrom<(i: number) => unknown>((i) => i, (i) => BigInt(i), (i) => String(i)),
      fc.constantFrom(5e-6, 2e-5, 1e-4),
      (entries, keyOf, msAStep) => {
        const set = new Set(Array.from({ length: entries }, (_, i) => keyOf(i)));
        const bytes = encodeCbor(set, 64);
        const cost = new CountedCost((before) => before * msAStep);
        const allowedMs = 100 + bytes.length * 0.0005;
        // Beyond what is allowed: the keys before the first look, and those between two looks.
        const unseenMs = 1_024 ** 2 / 2 * msAStep + 512 * entries * msAStep;
        const wholeMs = entries ** 2 / 2 * msAStep;
        try {
          decodeCbor(bytes, 64, DEFAULT_PAYLOAD_LIMITS, cost);
        } catch (error) {
          assert.ok(error instanceof Malformed);
          assert.match(error.what, /take too long to tell apart/);
          assert.ok(cost.keys < entries);
        }
        assert.ok(cost.spentMs <= allowedMs + unseenMs, `${cost.spentMs} ms of ${wholeMs}`);
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("decodeCbor() adds at most one key to a table for each byte, whatever the bytes", () => {
  const trees = fc.anything({ withMap: true, withSet: true, withBigInt: true, withDate: true });
  const written = trees.map((tree) => {
    try {
      return encodeCbor(tree, 64);
    } catch {
      return new Uint8Array(0);
    }
  });
  fc.assert(fc.property(fc.oneof(written, fc.uint8Array({ maxLength: 2_000 })), (bytes) => {
    const cost = new CountedCost(() => 0);
    try {
      decodeCbor(bytes, 64, DEFAULT_PAYLOAD_LIMITS, cost);
    } catch (error) {
      assert.ok(error instanceof Malformed);
    }
    assert.ok(cost.keys <= bytes.length);
  }));
});

Deno.test("payloads of more entries than the limit are neither written nor read", () => {
  const limits = { ...DEFAULT_PAYLOAD_LIMITS, entries: 3 };
  const four = [
    { a: 1, b: 2, c: 3, d: 4 },
    [{ a: 1 }, { a: 1 }, { a: 1 }, { a: 1 }],
    new Map([[1, 1], [2, 2], [3, 3], [4, 4]]),
    new Set([1, 2, 3, 4]),
  ];
  for (const value of four) {
    for (const form of ["cbor", "json"] as const) {
      const refused = { name: "InvalidPayload", message: /more than 3 properties/ };
      assert.throws(() => encodePayload(value, "result", { form, limits }), refused);
      const isObject = !(value instanceof Map || value instanceof Set);
      if (form === "json" && !isObject) continue;
      const payload = encodePayload(value, "result", { form });
      assert.throws(() => decodePayload(payload, "result", limits), refused);
      decodePayload(payload, "result", { ...limits, entries: 4 });
    }
  }
  assert.throws(
    () => decodePayload(encodePayload(four[3], "result"), "arguments", limits),
    InvalidPayload,
  );
});
