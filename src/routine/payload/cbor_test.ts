import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { decodeCbor } from "./cbor_decode.ts";
import { encodeCbor } from "./cbor_encode.ts";
import { Malformed, TOO_LARGE } from "./faults.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";
import { decodePayload, encodePayload } from "./payload.ts";

function decodeHex(hex: string): unknown {
  return decodeCbor(Uint8Array.fromHex(hex.replaceAll(" ", "")), 64);
}

function malformed(hex: string, what: RegExp): void {
  assert.throws(() => decodeHex(hex), (error) => {
    assert(error instanceof Malformed, `${hex}: ${error}`);
    assert.match(error.what, what);
    return true;
  });
}

/** A key that travels; `__proto__` does not. */
const key = fc.string().filter((key) => key !== "__proto__");

/** Values of every kind that travels, nested in every container that does. */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false, 0, -0, NaN, Infinity, -Infinity),
    fc.double(),
    fc.float(),
    fc.maxSafeInteger(),
    fc.integer(),
    fc.bigInt(),
    fc.string(),
    fc.string({ unit: "binary", maxLength: 120 }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie("tree")),
    fc.dictionary(key, tie("tree"), {
      noNullPrototype: true,
    }),
    fc.array(fc.tuple(tie("tree"), tie("tree"))).map((entries) => new Map(entries)),
    fc.array(tie("tree")).map((values) => new Set(values)),
  ),
}));

Deno.test("decodeCbor() finds what encodeCbor() wrote, whatever the tree", () => {
  fc.assert(
    fc.property(tree, (value) => {
      assert.deepEqual(decodeCbor(encodeCbor(value, 64), 64), value);
    }),
    { numRuns: 500 },
  );
});

Deno.test("decodeCbor() keeps every date to the millisecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (time) => {
      const date = decodeCbor(encodeCbor(new Date(time), 64), 64) as Date;
      assert.equal(date.getTime(), time);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("decodeCbor() reads any bytes to a value or a Malformed, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeCbor(bytes, 64);
      } catch (error) {
        assert(error instanceof Malformed, String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("decodeCbor() notices where a byte is missing, and where there is one too many", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const bytes = encodeCbor(value, 64);
      assert.throws(() => decodeCbor(bytes.subarray(0, -1), 64), Malformed);
      assert.throws(() => decodeCbor(new Uint8Array([...bytes, 0]), 64), Malformed);
    }),
    { numRuns: 200 },
  );
});

Deno.test("decodeCbor() reads what other encoders write (RFC 8949 appendix A)", () => {
  const cases: [string, unknown][] = [
    ["1bffffffffffffffff", 18446744073709551615n],
    ["3bffffffffffffffff", -18446744073709551616n],
    ["1b001fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["3903e7", -1000],
    ["c249010000000000000000", 18446744073709551616n],
    ["c349010000000000000000", -18446744073709551617n],
    ["c240", 0n],
    ["f90001", 5.960464477539063e-8],
    ["f97bff", 65504],
    ["f9c400", -4],
    ["fa47c35000", 100000],
    ["fb3ff199999999999a", 1.1],
    ["c074323031332d30332d32315432303a30343a30305a", new Date("2013-03-21T20:04:00Z")],
    ["c11a514b67b0", new Date(1363896240000)],
    ["c1fb41d452d9ec200000", new Date(1363896240500)],
    ["d84044 01020304", new Uint8Array([1, 2, 3, 4])],
    ["5f42010243030405ff", new Uint8Array([1, 2, 3, 4, 5])],
    ["7f657374726561646d696e67ff", "streaming"],
    ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
    ["bf61610161629f0203ffff", { a: 1, b: [2, 3] }],
    ["d90102 83010203", new Set([1, 2, 3])],
    ["d90103 a1 01 f7", new Map([[1, undefined]])],
    ["d9d9f7 01", 1],
    ["63efbbbf", "\ufeff"],
  ];
  for (const [hex, value] of cases) assert.deepEqual(decodeHex(hex), value, hex);
});

Deno.test("decodeCbor() refuses what is not the CBOR it knows", () => {
  malformed("", /ends in the middle/);
  malformed("0102", /goes on after its value/);
  malformed("9b7fffffffffffffff", /ends in the middle/);
  malformed("9affffffff", /ends in the middle/);
  malformed("baffffffff", /ends in the middle/);
  malformed("5affffffff00", /ends in the middle/);
  malformed("7b00000000ffffffff61", /ends in the middle/);
  malformed("9f01", /ends in the middle/);
  malformed("bf616101", /ends in the middle/);
  malformed("62fffe", /not UTF-8/);
  malformed("63eda080", /not UTF-8/);
  malformed("a2616101616102", /object key twice/);
  malformed("d90103a201010102", /map key twice/);
  malformed("d90102820101", /value of a set twice/);
  malformed("a1695f5f70726f746f5f5fa0", /__proto__/);
  malformed("a10102", /object key that is no text/);
  malformed("c11b ffffffffffffffff", /date that is no number/);
  malformed("c1c101", /date that is no number/);
  malformed("c0636e6f77", /invalid date/);
  malformed("d81c01", /tag 28, which is not understood/);
  malformed("ff", /0xff where a value should be/);
  malformed("81ff", /0xff where a value should be/);
  malformed("f800", /where a value should be/);
  malformed("1c", /a form that is not used/);
  malformed("5f6161ff", /lacks a chunk/);
  malformed("d9d9f7d9d9f701", /not understood/);
});

Deno.test("decodeCbor() refuses depth and numbers of containers that would cost memory", () => {
  const deep = new Uint8Array(3_000_000).fill(0x81);
  assert.throws(() => decodeCbor(deep, 64), Malformed);
  assert.throws(() => decodeCbor(new Uint8Array(3_000_000).fill(0x9f), 64), Malformed);
  assert.throws(() => decodeCbor(new Uint8Array(3_000_000).fill(0xc1), 64), Malformed);
  assert.throws(() => decodeCbor(new Uint8Array(3_000_000).fill(0x5f), 64), Malformed);
  const many = new Uint8Array(1_000_005).fill(0x80);
  many.set([0x9a, 0x00, 0x0f, 0x42, 0x40]);
  assert.throws(() => decodeCbor(many, 64), Malformed);
});

Deno.test("byte strings count as containers: more than the limit are neither written nor read", () => {
  const limits = { ...DEFAULT_PAYLOAD_LIMITS, containers: 4 };
  const of = (count: number) => Array.from({ length: count }, () => new Uint8Array(1));
  const refused = { name: "InvalidPayload", message: /more than 4 arrays, .* byte strings/ };
  const three = encodePayload(of(3), "result", { limits });
  decodePayload(three, "result", limits);
  assert.throws(() => encodePayload(of(4), "result", { limits }), refused);
  assert.throws(() => decodePayload(encodePayload(of(4), "result"), "result", limits), refused);
  // A tag that says what kind of bytes they are makes them no cheaper.
  const tagged = new Uint8Array([0x84, ...of(4).flatMap(() => [0xd8, 0x40, 0x41, 0x07])]);
  assert.throws(() => decodeCbor(tagged, 64, limits), Malformed);
  const empty = new Uint8Array(1_000_005).fill(0x40);
  empty.set([0x9a, 0x00, 0x0f, 0x42, 0x40]);
  assert.throws(() => decodeCbor(empty, 64), Malformed);
});

Deno.test("encodeCbor() writes bytes alone as it writes them in a list, however many", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = new Uint8Array(length).fill(length);
    assert.deepEqual(Uint8Array.of(0x81, ...encodeCbor(bytes, 1)), encodeCbor([bytes], 1));
  }
  const limits = { ...DEFAULT_PAYLOAD_LIMITS, bytes: 10 };
  assert.equal(encodeCbor(new Uint8Array(9), 1, limits).length, 10);
  assert.throws(() => encodeCbor(new Uint8Array(10), 1, limits), (error) => error === TOO_LARGE);
});

Deno.test("encodeCbor() writes large byte strings where they belong, among anything", () => {
  const bytes = fc.oneof(fc.nat(40), fc.integer({ min: 4000, max: 9000 }))
    .map((size) => Uint8Array.from({ length: size }, (_, at) => at * 7 + size));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      bytes,
      fc.string(),
      fc.integer(),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(fc.property(fc.array(value, { maxLength: 4 }), (list) => {
    assert.deepEqual(decodeCbor(encodeCbor(list, 64), 64), list);
  }));
});

Deno.test("encodeCbor() holds large byte strings to the limit, and refuses one that changes its size meanwhile", () => {
  const limits = { ...DEFAULT_PAYLOAD_LIMITS, bytes: 20_000 };
  const large = new Uint8Array(9_000);
  assert.equal(encodeCbor([large, large], 64, limits).length, 18_007);
  assert.throws(() => encodeCbor([large, large, new Uint8Array(3_000)], 64, limits));
  assert.throws(() => encodeCbor([large, large, large], 64, limits));
  const buffer = new ArrayBuffer(9_000, { maxByteLength: 9_000 });
  const shrinking = {
    get later() {
      buffer.resize(10);
      return 1;
    },
  };
  assert.throws(() => encodeCbor([new Uint8Array(buffer), shrinking], 64));
  assert.deepEqual(decodeCbor(encodeCbor([1], 64), 64), [1]);
});

Deno.test("decodeCbor() copies no byte string that fills its buffer, and any that others share", () => {
  const large = new Uint8Array(100_000).fill(5);
  const whole = encodeCbor([large], 64);
  const [uncopied] = decodeCbor(whole, 64) as [Uint8Array];
  assert.equal(uncopied.buffer, whole.buffer);
  const two = encodeCbor([large, large], 64);
  for (const each of decodeCbor(two, 64) as Uint8Array[]) {
    assert.deepEqual(each, large);
    assert.notEqual(each.buffer, two.buffer);
  }
});

Deno.test("empty byte strings beyond some share a buffer, and are empty all the same", () => {
  const read = decodeCbor(encodeCbor(Array.from({ length: 300 }, () => new Uint8Array(0)), 64), 64);
  const all = read as Uint8Array[];
  assert.ok(all.every((bytes) => bytes instanceof Uint8Array && bytes.length === 0));
  assert.equal(new Set(all).size, 300);
  assert.equal(new Set(all.map(({ buffer }) => buffer)).size, 257);
});
