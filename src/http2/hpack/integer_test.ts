import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { HpackError } from "./hpack_error.ts";
import { encodeInteger, MAX_INTEGER_BYTES, takeInteger } from "./integer.ts";

function encoded(value: number, prefixBits: number): Uint8Array {
  const out = new Uint8Array(MAX_INTEGER_BYTES);
  return out.slice(0, encodeInteger(value, prefixBits, 0, out, 0));
}

function taken(bytes: Uint8Array, prefixBits: number): number {
  return takeInteger({ bytes, at: 0, end: bytes.length }, prefixBits);
}

Deno.test("encodeInteger writes the examples of RFC 7541 C.1", () => {
  deepStrictEqual(encoded(10, 5), Uint8Array.of(10));
  deepStrictEqual(encoded(1337, 5), Uint8Array.of(31, 154, 10));
  deepStrictEqual(encoded(42, 8), Uint8Array.of(42));
});

Deno.test("takeInteger reads what encodeInteger writes", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 28 - 1), fc.integer({ min: 4, max: 7 }), (value, bits) => {
      strictEqual(taken(encoded(value, bits), bits), value);
    }),
  );
});

Deno.test("takeInteger refuses what ends early or never", () => {
  throws(() => taken(new Uint8Array(0), 5), HpackError);
  throws(() => taken(Uint8Array.of(31), 5), HpackError);
  throws(() => taken(Uint8Array.of(31, 0x80), 5), HpackError);
  throws(() => taken(Uint8Array.of(31, 0x80, 0x80, 0x80, 0x80, 0x00), 5), HpackError);
});
