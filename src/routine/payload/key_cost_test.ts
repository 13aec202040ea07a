import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { InvalidPayload } from "../../errors/mod.ts";
import { decodeCbor } from "./cbor_decode.ts";
import { encodeCbor } from "./cbor_encode.ts";
import { Malformed } from "./faults.ts";
import { FREE_KEYS, KeyCost } from "./key_cost.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";
import { decodePayload, encodePayload } from "./payload.ts";

/** Lookups that take as long as `costOf` says, in lookups of a table of one. */
class CountedCost extends KeyCost {
  keys = FREE_KEYS;
  spent = 0;
  readonly #costOf: (keysBefore: number) => number;
  readonly #pass: (time: number) => void;

  constructor(costOf: (keysBefore: number) => number, random: () => number) {
    let time = 0;
    // Each reading of the clock takes as long as a lookup in a table of one.
    super({ now: () => time += 1, random });
    this.#costOf = costOf;
    this.#pass = (more) => time += more;
  }

  override isDue(): boolean {
    this.spent += this.#costOf(this.keys++);
    return super.isDue();
  }

  override exceeded(): boolean {
    const cost = this.#costOf(this.keys - 1);
    return super.exceeded(() => {
      this.#pass(cost);
      return false;
    });
  }
}

/** The same numbers from 0 to 1 for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** What becomes of a payload whose keys cost that much. */
function readAt(bytes: Uint8Array, costOf: (keysBefore: number) => number, seed: number) {
  const cost = new CountedCost(costOf, randomFrom(seed));
  try {
    decodeCbor(bytes, 64, DEFAULT_PAYLOAD_LIMITS, cost);
    return { cost, refused: false };
  } catch (error) {
    assert.ok(error instanceof Malformed);
    assert.match(error.what, /take too long to find/);
    return { cost, refused: true };
  }
}

const KEYS: readonly ((i: number) => unknown)[] = [(i) => i, (i) => BigInt(i), (i) => String(i)];
const TABLES: readonly ((keys: readonly unknown[]) => unknown)[] = [
  (keys) => new Set(keys),
  (keys) => new Map(keys.map((key) => [key, 0])),
  (keys) => Object.fromEntries(keys.map((key) => [`k${key}`, 0])),
];
const payloads = fc.record({
  entries: fc.integer({ min: 1_000, max: 40_000 }),
  keyOf: fc.constantFrom(...KEYS),
  tableOf: fc.constantFrom(...TABLES),
}).map(({ entries, keyOf, tableOf }) => ({
  entries,
  bytes: encodeCbor(tableOf(Array.from({ length: entries }, (_, i) => keyOf(i))), 64),
}));

Deno.test("decodeCbor() reads many entries whose keys take what ordinary ones do", () => {
  const numbers = new Set(Array.from({ length: 200_000 }, (_, i) => i));
  const bytes = encodeCbor(numbers, 64);
  assert.equal((decodeCbor(bytes, 64) as Set<number>).size, 200_000);
  for (let seed = 1; seed <= 5; seed++) assert.ok(!readAt(bytes, () => 2, seed).refused);
});

// What all keys of N bytes may take is so many times what as many ordinary ones do, and a constant. All else that
// decoding does is done once a byte: the next test, and `tests/hostile/payloads.ts`, which measures it.
Deno.test("decodeCbor() spends on keys what is linear in their number, whatever each of them takes", () => {
  const costs = fc.constantFrom<(slope: number) => (before: number) => number>(
    (slope) => (before) => before * slope,
    // All but one of ten are ordinary.
    (slope) => (before) => before % 10 === 0 ? before * slope : 0,
    // The first half is ordinary.
    (slope) => (before) => Math.max(0, before - 20_000) * slope,
  );
  fc.assert(
    fc.property(
      payloads,
      costs,
      fc.constantFrom(0.01, 0.1, 1),
      fc.nat(),
      ({ bytes, entries }, costOf, slope, seed) => {
        const { cost } = readAt(bytes, costOf(slope), seed);
        // Twice what is allowed, and some samples more: one stands for others of which it knows nothing.
        const most = 2 * (8 * entries + 8_192) + slope * 256 * entries;
        assert.ok(cost.spent <= most, `${cost.spent} lookups for ${entries} keys, ${most} at most`);
      },
    ),
    // The same draws each time: what is estimated may be far off once in a million.
    { numRuns: 40, seed: 1 },
  );
});

Deno.test("decodeCbor() refuses keys each of which takes as much as all before it", () => {
  for (const tableOf of TABLES) {
    const bytes = encodeCbor(tableOf(Array.from({ length: 20_000 }, (_, i) => i)), 64);
    const { cost, refused } = readAt(bytes, (before) => before * 0.05, 1);
    assert.ok(refused && cost.keys < 2_000, `${cost.keys} keys were read`);
  }
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
    try {
      decodeCbor(bytes, 64, { ...DEFAULT_PAYLOAD_LIMITS, entries: bytes.length });
    } catch (error) {
      assert.ok(error instanceof Malformed);
      assert.doesNotMatch(error.what, /properties, entries/);
    }
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
