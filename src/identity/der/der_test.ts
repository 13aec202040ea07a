import assert from "node:assert/strict";
import { readDer } from "./der.ts";
import { asOid, asTime, TAG } from "./der_values.ts";
import { Malformed } from "./malformed.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

Deno.test("readDer() reads what is nested and keeps the exact bytes", () => {
  const bytes = hex("30 08 0201 05 0c03 c3a978");
  assert.deepEqual(readDer(bytes, "it").bytes, bytes);
});

const MISSPELT: readonly [string, string, string][] = [
  ["an indefinite length", "30 80 0201 05 0000", "der.length"],
  ["a length with a shorter form", "30 81 03 0201 05", "der.length"],
  ["a length with a leading zero", "30 82 0003 0201 05", "der.length"],
  ["a length of four bytes", "30 84 00000003 0201 05", "der.length"],
  ["a torn element", "30 05 0201 05", "der.length"],
  ["a tag without a length", "30", "der.length"],
  ["nothing", "", "der.length"],
  ["bytes after it", "30 03 0201 05 00", "der.trailing"],
  ["a high tag number", "30 04 1f21 0100", "der.tag"],
  ["a constructed string", "30 05 2c03 0c01 78", "der.tag"],
  ["a primitive sequence", "10 00", "der.tag"],
  ["an integer with a leading zero", "30 04 0202 0005", "der.integer"],
  ["an integer with leading ones", "30 04 0202 ff85", "der.integer"],
  ["an empty integer", "30 02 0200", "der.integer"],
  ["a boolean that is neither 00 nor FF", "30 03 0101 01", "der.boolean"],
  ["a NULL with contents", "30 03 0501 00", "der.null"],
  ["set bits among the unused ones", "30 04 0302 0781", "der.bit-string"],
  ["more unused bits than a byte has", "30 04 0302 0880", "der.bit-string"],
  ["unused bits of an empty bit string", "30 03 0301 01", "der.bit-string"],
  ["an OID that is cut off", "30 03 0601 80", "der.oid"],
  ["an OID arc with a leading zero", "30 05 0603 2a8001", "der.oid"],
  ["a set out of order", "31 06 0201 05 0201 04", "der.set"],
  ["invalid UTF-8", "30 04 0c02 c328", "der.string"],
  ["a star in a PrintableString", "30 03 1301 2a", "der.string"],
  ["a surrogate in a BMPString", "30 04 1e02 d800", "der.string"],
];

for (const [what, text, rule] of MISSPELT) {
  Deno.test(`readDer() refuses ${what}`, () => {
    assert.throws(() => readDer(hex(text), "it"), (error) => {
      assert(error instanceof Malformed);
      assert.equal(error.rule, rule);
      return true;
    });
  });
}

Deno.test("readDer() refuses nesting that no certificate needs, without overflowing", () => {
  let nested = Uint8Array.of(0x05, 0x00);
  for (let depth = 0; depth < 500; depth++) {
    const { length } = nested;
    const header = length < 128
      ? [length]
      : length < 256
      ? [0x81, length]
      : [0x82, length >> 8, length & 255];
    nested = Uint8Array.of(0x30, ...header, ...nested);
  }
  assert.throws(() => readDer(nested, "it"), /nests deeper/);
});

Deno.test("asOid() writes the first two arcs apart", () => {
  assert.equal(asOid(hex("2a8648ce3d030107")), "1.2.840.10045.3.1.7");
  assert.equal(asOid(hex("551d11")), "2.5.29.17");
  assert.equal(asOid(hex("883703")), "2.999.3");
});

const time = (tag: number, text: string) => asTime(tag, new TextEncoder().encode(text));

Deno.test("asTime() reads both centuries of two-digit years", () => {
  assert.equal(time(TAG.utcTime, "491231235959Z"), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(time(TAG.utcTime, "500101000000Z"), Date.UTC(1950, 0, 1));
  assert.equal(time(TAG.generalizedTime, "99991231235959Z"), Date.UTC(9999, 11, 31, 23, 59, 59));
});

for (
  const text of [
    "260230000000Z",
    "2601010000Z",
    "260101000000+0100",
    "260101240000Z",
    "26010100000aZ",
  ]
) {
  Deno.test(`asTime() refuses ${text}`, () => {
    assert.throws(() => time(TAG.utcTime, text), Malformed);
  });
}
