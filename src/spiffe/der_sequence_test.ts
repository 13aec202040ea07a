import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { splitDer } from "./der_sequence.ts";

const certificates = [makeCertificate().der, makeCertificate({ authority: true }).der];

Deno.test("splitDer() gives back the certificates that were written one after another", () => {
  const chosen = fc.array(fc.constantFrom(...certificates), { maxLength: 6 });
  fc.assert(fc.property(chosen, (parts) => {
    const bytes = new Uint8Array(parts.flatMap((part) => [...part]));
    assert.deepEqual(splitDer(bytes)?.map((part) => [...part]), parts.map((part) => [...part]));
  }));
});

Deno.test("splitDer() gives nothing of bytes that end within a value", () => {
  const [der] = certificates;
  assert.ok(der !== undefined);
  for (const length of [1, 2, 3, 4, 100, der.length - 1]) {
    assert.equal(splitDer(der.subarray(0, length)), undefined);
  }
});

Deno.test("splitDer() never gives more or other bytes than it was given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const parts = splitDer(bytes);
    if (parts !== undefined) assert.deepEqual(parts.flatMap((part) => [...part]), [...bytes]);
  }));
});

Deno.test("splitDer() takes neither indefinite lengths nor lengths beyond what is there", () => {
  assert.equal(splitDer(new Uint8Array([0x30, 0x80, 0, 0])), undefined);
  assert.equal(splitDer(new Uint8Array([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])), undefined);
  assert.equal(splitDer(new Uint8Array([0x30, 0x85, 0, 0, 0, 0, 0])), undefined);
  assert.equal(splitDer(new Uint8Array([0x04, 0])), undefined);
});
