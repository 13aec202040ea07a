import assert from "node:assert/strict";
import * as der from "./der_writer.ts";

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

Deno.test("tagged() writes lengths in their shortest form", () => {
  assert.equal(hex(der.tagged(0x04)), "0400");
  assert.equal(hex(der.tagged(0x04, new Uint8Array(127))).slice(0, 4), "047f");
  assert.equal(hex(der.tagged(0x04, new Uint8Array(128))).slice(0, 6), "048180");
  assert.equal(hex(der.tagged(0x04, new Uint8Array(256))).slice(0, 8), "04820100");
  assert.equal(hex(der.tagged(0x04, new Uint8Array(65536))).slice(0, 10), "0483010000");
});

Deno.test("smallInteger() and unsignedInteger() never write a negative or padded number", () => {
  assert.equal(hex(der.smallInteger(0)), "020100");
  assert.equal(hex(der.smallInteger(127)), "02017f");
  assert.equal(hex(der.smallInteger(128)), "02020080");
  assert.equal(hex(der.smallInteger(65535)), "020300ffff");
  assert.equal(hex(der.unsignedInteger(Uint8Array.of(0, 0, 0x80, 1))), "0203008001");
  assert.equal(hex(der.unsignedInteger(Uint8Array.of(0, 0))), "020100");
});

Deno.test("objectIdentifier() writes large arcs in base 128", () => {
  assert.equal(hex(der.objectIdentifier("2.5.29.19")), "0603551d13");
  assert.equal(hex(der.objectIdentifier("1.2.840.10045.4.3.2")), "06082a8648ce3d040302");
});

Deno.test("namedBits() leaves trailing zero bits off", () => {
  assert.equal(hex(der.namedBits([0])), "03020780");
  assert.equal(hex(der.namedBits([5, 6])), "03020106");
  assert.equal(hex(der.namedBits([8])), "0303070080");
  assert.equal(hex(der.namedBits([])), "030100");
});

Deno.test("time() changes to GeneralizedTime in 2050", () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(2));
  const before = der.time(Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(before[0], 0x17);
  assert.equal(text(before), "491231235959Z");
  const after = der.time(Date.UTC(2050, 0, 1));
  assert.equal(after[0], 0x18);
  assert.equal(text(after), "20500101000000Z");
});
